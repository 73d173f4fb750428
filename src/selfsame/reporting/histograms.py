"""Histograms of the scores by which inference would decide."""

from itertools import chain

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from selfsame.evaluation.results import Metrics, Outcome
from selfsame.reporting.panels import key_of
from selfsame.reporting.style import COLOURS, INK, dress, join_title, new_panels, say
from selfsame.reporting.wording import limit, readable

BINS = 60
MOST_COLUMNS = 3
ROOM = 54
"""Letters of a line of a panel's title."""


def draw_histograms(scores: pd.DataFrame, metrics: Metrics) -> Figure:
    """Draw the mated and non-mated scores of what inference would do, and a threshold.

    A column is a protocol and a row a figure; where there is one protocol, figures fill the rows.
    """
    rows = scores.groupby(["protocol", "figure", "comparator"], sort=False, observed=True).indices
    score, mated = scores["score"].to_numpy(dtype=np.float64), scores["mated"].to_numpy(dtype=bool)
    shown = [
        one for kind in metrics.protocols for one in metrics.headline(kind) if tuple(key_of(one)) in rows
    ]
    if not shown:
        return say("No comparison that inference would make gave a score.")
    places, shape = _places(shown)
    figure, grid = new_panels(*shape, width=3.3, height=1.75, below=0.3)
    for axes in chain.from_iterable(grid):
        axes.set_axis_off()
    for outcome, (row, column) in zip(shown, places, strict=True):
        own = rows[tuple(key_of(outcome))]
        own = own[np.isfinite(score[own])]
        grid[row][column].set_axis_on()
        _draw(grid[row][column], outcome, score[own], mated[own])
    figure.legend(handles=_handles(), loc="lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def _places(shown: list[Outcome]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Give each outcome its row and column, and the shape of the grid."""
    protocols = list(dict.fromkeys(one.protocol for one in shown))
    figures = list(dict.fromkeys(one.figure for one in shown))
    if len(protocols) > 1:
        places = [(figures.index(one.figure), protocols.index(one.protocol)) for one in shown]
        return places, (len(figures), len(protocols))
    columns = min(MOST_COLUMNS, len(shown))
    return [divmod(n, columns) for n in range(len(shown))], (-(-len(shown) // columns), columns)


def _draw(axes: Axes, outcome: Outcome, score: NDArray[np.float64], mated: NDArray[np.bool_]) -> None:
    points = outcome.verification.fnmr_at_fmr
    thresholds = [points[min(points, key=float)].threshold] if points else []
    edges = np.linspace(min([score.min(), *thresholds]), max([score.max(), *thresholds]), BINS + 1)
    edges = edges if np.ptp(edges) > 0 else edges[0] + np.linspace(-0.5, 0.5, BINS + 1)
    for side, colour in ((~mated, COLOURS[0]), (mated, COLOURS[1])):
        counts, _ = np.histogram(score[side], bins=edges)
        axes.stairs(counts / max(counts.sum(), 1), edges, fill=True, color=colour, alpha=0.7)
    for threshold in thresholds:
        axes.axvline(threshold, color=INK, linestyle="--", linewidth=1.1)
        axes.annotate(
            f"FMR {limit(min(points, key=float))}", (threshold, 0.98), xycoords=("data", "axes fraction"),
            xytext=(3, 0), textcoords="offset points", fontsize=7, color=INK, va="top",
        )  # fmt: skip
    axes.set_yticks([])
    dress(axes, title="", x=f"Score by {readable(outcome.comparator)}", y="")
    title = join_title(readable(outcome.figure), readable(outcome.protocol), ROOM)
    axes.set_title(title, loc="left", fontsize=8.5, fontweight="bold", color=INK)
    axes.set_ylim(top=axes.get_ylim()[1] * 1.15)  # room for the name of the threshold


def _handles() -> list[Line2D]:
    return [
        Line2D([], [], color=COLOURS[1], linewidth=6, alpha=0.7, label="mated"),
        Line2D([], [], color=COLOURS[0], linewidth=6, alpha=0.7, label="non-mated"),
        Line2D([], [], color=INK, linestyle="--", label="threshold"),
    ]
