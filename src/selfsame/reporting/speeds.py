"""The plot of what a machine reaches: preprocessing by backend and workers, loading by batch size."""

from collections.abc import Sequence
from itertools import chain
from typing import get_args

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from selfsame.parallel.backends import Backend
from selfsame.reporting.style import ACROSS, INK, LineStyle, dress, line_of, new_panels
from selfsame.reporting.wording import readable

COLUMNS = 2
ROOM = 1.75
"""Inches for a legend beside a panel."""

BACKENDS: tuple[Backend, ...] = get_args(Backend)
"""In the order of their colours, so that a backend has the same one in every panel."""

SHOWN_S = 0.05
"""A start that is shorter is no start of workers."""

NOTE = "Medians of the rounds; bars from the least to the greatest. The start of workers is not counted."

IDEAL: LineStyle = {"color": INK, "linestyle": (0, (1, 1.5)), "linewidth": 1.2}
THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")


def draw_speeds(preprocessing: Sequence[pd.DataFrame], loading: pd.DataFrame | None) -> Figure:
    """Draw one panel a modality, and one of the loading where it was timed.

    Args:
        preprocessing: one table a modality, see `benchmarking.preprocessing`.
        loading: see `benchmarking.loading`.
    """
    panels = len(preprocessing) + (loading is not None)
    columns = min(COLUMNS, panels)
    figure, grid = new_panels(
        -(-panels // columns), columns, width=3.3, height=2.5, between=ACROSS + ROOM, beside=ROOM, below=0.3
    )
    figure.text(0.02, 0.02, NOTE, fontsize=8, color=INK)
    places = list(chain.from_iterable(grid))
    for axes, table in zip(places, preprocessing, strict=False):
        draw_backends(axes, table)
    if loading is not None:
        draw_batches(places[len(preprocessing)], loading)
    for axes in places[panels:]:
        axes.set_axis_off()
    return figure


def draw_backends(axes: Axes, speeds: pd.DataFrame) -> None:
    """Draw images a second by the number of workers, a line a backend, below that of so many floors."""
    dress(axes, title=f"preprocessing: {readable(speeds['modality'].iloc[0])}", x="workers", y="images/s")
    measured = speeds[speeds["backend"] != "floor"]
    workers = sorted(set(measured["workers"]))
    floor = float(speeds.loc[speeds["backend"] == "floor", "images_per_s"].iloc[0])
    axes.plot(workers, [n * floor for n in workers], label="decoding and\nnormalising alone", **IDEAL)
    for backend in BACKENDS:
        rows = measured[measured["backend"] == backend].sort_values("workers")
        if len(rows):
            _draw_line(axes, rows, "workers", "images_per_s", _name(backend, rows), BACKENDS.index(backend))
    axes.set_xscale("log", base=2)
    _set_ticks(axes, workers)
    axes.set_ylim(bottom=0)
    _add_legend(axes)


def draw_batches(axes: Axes, speeds: pd.DataFrame) -> None:
    """Draw samples a second by the size of a batch, a line a number of batches ahead."""
    dress(axes, title="loading", x="samples a batch", y="samples/s")
    by_design = dict(list(speeds.groupby("design")))
    copied = by_design["memcpy"].sort_values("batch_size")
    axes.plot(copied["batch_size"], copied["samples_per_s"], label="memcpy", **IDEAL)
    for order, (prefetch, rows) in enumerate(by_design["batch_loader"].groupby("prefetch")):
        label = f"{prefetch} batch{'' if prefetch == 1 else 'es'} ahead"
        _draw_line(axes, rows.sort_values("batch_size"), "batch_size", "samples_per_s", label, order)
    files = by_design.get("file_per_image", speeds.iloc[:0])
    for order, (workers, rows) in enumerate(files.groupby("workers"), start=3):
        label = f"one file an image,\n{workers} workers"
        _draw_line(axes, rows, "batch_size", "samples_per_s", label, order)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    _set_ticks(axes, sorted(set(speeds["batch_size"])))
    _add_legend(axes)


def _name(backend: str, rows: pd.DataFrame) -> str:
    """Name a backend and, where it counts, how long its workers take to start."""
    start_s = float(rows["start_s"].max())
    return f"{backend}\n({start_s:.1f} s to start)" if start_s >= SHOWN_S else backend


def _draw_line(axes: Axes, rows: pd.DataFrame, x: str, y: str, label: str, order: int) -> None:
    """Draw medians with a bar from the least to the greatest of the rounds."""
    spread = [rows[y] - rows["least"], rows["greatest"] - rows[y]]
    axes.errorbar(
        rows[x], rows[y], yerr=spread, label=label, marker="o", markersize=4, capsize=2.5,
        **line_of(order, order),
    )  # fmt: skip


def _set_ticks(axes: Axes, values: Sequence[int]) -> None:
    """Mark what was measured, and nothing between."""
    axes.xaxis.set_major_locator(FixedLocator(list(values)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.yaxis.set_major_formatter(THOUSANDS)


def _add_legend(axes: Axes) -> None:
    axes.legend(
        fontsize=8, loc="upper left", bbox_to_anchor=(1.03, 1.0), frameon=False, borderaxespad=0.0,
        handlelength=2.6, labelspacing=0.7,
    )  # fmt: skip
