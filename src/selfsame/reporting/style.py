"""How plots look: colours that colour-blind readers tell apart, one line style a figure, quiet axes."""

from collections.abc import Sequence
from typing import TypedDict

from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""M. Okabe, K. Ito, "Color universal design", 2008."""

LINES: tuple[str | tuple[int, tuple[int, ...]], ...] = (
    "-",
    "--",
    "-.",
    ":",
    (0, (5, 1)),
    (0, (1, 1)),
    (0, (3, 1, 1, 1)),
)


INK = "#333333"
GRID = "#DDDDDD"
DOTS_PER_INCH = 130


class LineStyle(TypedDict):
    """What tells one figure's line from another's."""

    color: str
    linestyle: str | tuple[int, tuple[int, ...]]
    linewidth: float


def new_figure(width: float = 7.2, height: float = 5.4) -> Figure:
    """Make an empty figure of that many inches; no global state of matplotlib is touched."""
    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")


def dress(axes: Axes, *, title: str, x: str, y: str) -> None:
    """Give axes their title, labels and grid."""
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", color=INK)
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.grid(visible=True, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)


def line_of(order: int) -> LineStyle:
    """Choose the colour and the dashes of the n-th figure: each tells it apart without the other."""
    return {"color": COLOURS[order % len(COLOURS)], "linestyle": LINES[order % len(LINES)], "linewidth": 2.0}


def readable(name: str) -> str:
    """Write a dataset's or figure's name for people: underscores are spaces."""
    return name.replace("_", " ")


def per_cent(values: Sequence[float]) -> list[str]:
    """Write shares as per cent."""
    return [f"{value * 100:g} %" for value in values]
