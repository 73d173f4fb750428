"""How plots look: colours that colour-blind readers tell apart, one line style a comparator, quiet axes."""

import textwrap
from collections.abc import Sequence
from typing import Literal, TypedDict

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FuncFormatter

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#882255")
"""Seven of M. Okabe, K. Ito, "Color universal design", 2008, and a wine red that is darker than these."""

Dashes = Literal["-"] | tuple[float, Sequence[float]]

LINES: tuple[Dashes, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1, 1.2)),
    (0, (6, 1.5, 1, 1.5)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (2, 2)),
    (0, (9, 2, 2, 2)),
    (0, (4, 3, 1, 3)),
)

INK = "#333333"
GRID = "#E2E2E2"
WASH = "#EFEFEF"
DOTS_PER_INCH = 130

LONGEST = 36
"""Letters of one line above or in a panel of the usual size."""

LONGEST_LINE = 90
"""Letters of a line in a plot that only says something."""

EDGES = {"left": 0.85, "right": 0.25, "top": 0.55, "bottom": 0.65}
"""Inches around the panels of a figure."""

ACROSS, DOWN = 0.75, 1.2
"""Inches between panels, where the labels of the axes stand."""

PER_CENT = FuncFormatter(lambda value, _: f"{round(value * 100, 6):g} %")
"""Writes the ticks of an axis of shares."""


class LineStyle(TypedDict):
    """What tells one line from another."""

    color: str
    linestyle: Dashes
    linewidth: float


def new_figure(width: float = 7.2, height: float = 5.4) -> Figure:
    """Make an empty figure of that many inches; no global state of matplotlib is touched."""
    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")


def new_panels(
    rows: int,
    columns: int,
    *,
    width: float,
    height: float,
    between: float = ACROSS,
    before: float = 0.0,
    beside: float = 0.0,
    below: float = 0.0,
) -> tuple[Figure, list[list[Axes]]]:
    """Make a figure with a grid of panels of equal size, which stay so whatever is written around them.

    Args:
        rows: how many rows.
        columns: how many columns.
        width: of a panel, in inches.
        height: of a panel, in inches.
        between: room between columns, in inches.
        before: more room on the left, in inches.
        beside: room for legends on the right, in inches.
        below: room for a legend at the bottom, in inches.

    Returns:
        The figure, and its axes, row by row.
    """
    left = EDGES["left"] + before
    inner = (columns * width + (columns - 1) * between, rows * height + (rows - 1) * DOWN)
    total = (
        inner[0] + left + EDGES["right"] + beside,
        inner[1] + EDGES["top"] + EDGES["bottom"] + below,
    )
    figure = Figure(figsize=total, dpi=DOTS_PER_INCH)
    grid = figure.add_gridspec(
        rows,
        columns,
        left=left / total[0],
        right=(left + inner[0]) / total[0],
        bottom=(EDGES["bottom"] + below) / total[1],
        top=1.0 - EDGES["top"] / total[1],
        wspace=between / width,
        hspace=DOWN / height,
    )
    axes: list[list[Axes]] = grid.subplots(squeeze=False).tolist()
    return figure, axes


def say(text: str) -> Figure:
    """Make a plot that has nothing to show and says why."""
    lines = textwrap.wrap(text, LONGEST_LINE)
    figure = new_figure(width=7.2, height=0.8 + 0.22 * len(lines))
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.text(0.5, 0.5, "\n".join(lines), ha="center", va="center", color=INK, fontsize=9)
    return figure


def dress(axes: Axes, *, title: str, x: str, y: str) -> None:
    """Give axes their title, labels and grid."""
    size = 10.5 if max(map(len, title.split("\n"))) <= LONGEST else 8.5
    axes.set_title(title, loc="left", fontsize=size, fontweight="bold", color=INK)
    axes.set_xlabel(x, color=INK, fontsize=9)
    axes.set_ylabel(y, color=INK, fontsize=9)
    axes.grid(visible=True, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8)


def join_title(shown: str, protocol: str, room: int) -> str:
    """Write the title of a panel, on two lines or more where one of so many letters is too short.

    >>> join_title("iris left", "closed set", 30)
    'iris left: closed set'
    """
    if len(shown) + len(protocol) + 2 <= room:
        return f"{shown}: {protocol}"
    return "\n".join([*textwrap.wrap(f"{shown}:", room), protocol])


def line_of(colour: int, dashes: int) -> LineStyle:
    """Choose a line by the number of its colour and of its dashes; both may be the same and large."""
    dashes += dashes // len(LINES) if colour == dashes else 0  # the ninth line is not the first again
    return {
        "color": COLOURS[colour % len(COLOURS)],
        "linestyle": LINES[dashes % len(LINES)],
        "linewidth": 1.6,
    }


def per_cent(values: Sequence[float]) -> list[str]:
    """Write shares as per cent, for the ticks of an axis."""
    return [f"{value * 100:g} %" for value in values]


def plain(text: str) -> str:
    """Make a name that a user gave safe to draw: no formulas, escapes for the signs that the font lacks."""
    font = get_font(findfont(FontProperties()))
    shown = (
        letter
        if letter.isprintable() and font.get_char_index(ord(letter))
        else letter.encode("unicode_escape").decode()
        for letter in text
    )
    return "".join(shown).replace("$", r"\$")
