"""The plot beside the headline: the equal error rates of what inference would do, with their intervals."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from selfsame.evaluation.results import Metrics, Outcome
from selfsame.reporting.style import COLOURS, INK, PER_CENT, dress, new_panels
from selfsame.reporting.wording import readable

LINE = 0.3
"""Inches of a figure's line."""

LETTER = 0.075
"""Inches of a letter of a figure's name."""

FLOOR = 1e-4
"""The axis begins here or higher; a rate of 0 has no place on a logarithmic axis and stands at its edge."""


def draw_headline(metrics: Metrics) -> Figure:
    """Draw the EER of each figure with its interval, a column a protocol; hollow where no error was seen.

    Args:
        metrics: results that have a headline.
    """
    rows = {kind: found for kind in metrics.protocols if (found := metrics.headline(kind))}
    names = list(dict.fromkeys(one.figure for found in rows.values() for one in found))
    left = max(0.0, LETTER * max(len(readable(name)) for name in names) - 0.5)
    figure, ((*panels,),) = new_panels(
        1, len(rows), width=3.2, height=LINE * (len(names) + 1), before=left, between=0.3
    )
    low, high = _range([one for found in rows.values() for one in found])
    for axes, (kind, found) in zip(panels, rows.items(), strict=True):
        for one in found:
            _draw(axes, one, names.index(one.figure), low)
        axes.set_xscale("log")
        axes.set(xlim=(low, high), ylim=(len(names) - 0.5, -0.5))
        axes.xaxis.set_major_formatter(PER_CENT)
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_yticks(range(len(names)), [readable(name) for name in names] if axes is panels[0] else [])
        dress(axes, title=readable(kind), x="Equal error rate (EER)", y="")
    return figure


def _draw(axes: Axes, outcome: Outcome, place: int, low: float) -> None:
    rate, (start, end) = outcome.verification.eer, outcome.verification.eer_interval
    colour = COLOURS[1] if len(outcome.modalities) == 1 else COLOURS[0]
    axes.plot(
        np.maximum([start, end], low), [place, place], color=colour, linewidth=2.2, solid_capstyle="butt"
    )
    axes.plot(
        max(rate, low), place, "o", markersize=6, color=colour, clip_on=False,
        markerfacecolor=colour if rate > 0 else "white", markeredgewidth=1.4,
    )  # fmt: skip
    if rate == 0:
        axes.annotate(
            "no error",
            (low, place),
            (7, 2.5),
            textcoords="offset points",
            va="bottom",
            fontsize=7,
            color=INK,
        )


def _range(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """Find the decades that hold the rates and the ends of their intervals."""
    seen = [one.verification.eer for one in outcomes] + [
        end for one in outcomes for end in one.verification.eer_interval
    ]
    smallest = min([rate for rate in seen if rate > 0], default=0.01)
    low = max(FLOOR, 10.0 ** np.floor(np.log10(smallest * 0.99)))
    return low, min(1.0, max(low * 10, max(seen) * 1.6))
