"""How panels of lines are laid out: in rows, each with the legend of its own lines below."""

import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from selfsame.evaluation.results import Metrics
from selfsame.protocols.names import Kind
from selfsame.reporting.panels import Key, Line, Panel, arrange, key_of, name_flawless
from selfsame.reporting.style import ACROSS, DOTS_PER_INCH, EDGES, INK, LineStyle, say

SIZES = {1: (4.6, 3.7), 2: (3.7, 3.0)}
"""Inches of a panel, width and height, by how many stand beside each other; more are of LEAST_SIZE."""

LEAST_SIZE = (2.95, 2.5)
MOST_COLUMNS = 3

TITLE = 0.5
"""Inches above a panel."""

LABELS = 0.72
"""Inches below a panel, to its legend."""

ENTRY = 0.155
"""Inches of a line of a legend or of the note."""

LETTER = 0.054
"""Inches of a letter of the note."""

STRONG = 2.4
"""Points of the lines of what inference would do."""

Points = tuple[NDArray[np.float64], NDArray[np.float64]]


class Shown(NamedTuple):
    """One panel under one protocol, with the lines that it has there."""

    panel: Panel
    protocol: Kind
    lines: list[Line]

    @property
    def entries(self) -> int:
        """Lines of text in its legend."""
        return sum(1 + self.panel.name(line).count("\n") for line in self.lines)


Label = Callable[[Axes, Kind, str, Sequence[Points]], None]
"""Sets up the axes of a protocol with the panel's title, for all lines of the panel under any protocol."""


def draw_panels(
    curves: Mapping[Key, Points], flawless: Collection[Key], metrics: Metrics, label: Label
) -> Figure:
    """Draw lines in small multiples: a panel for each protocol and group of lines, its legend below it.

    A comparator or rule has one colour in all panels of a run. What made no error has no line: a sentence
    below the panels names it.

    Args:
        curves: the points of each line, x and y.
        flawless: lines without an error, which are only named.
        metrics: the results, whose order the lines take; what inference would do is drawn stronger.
        label: sets up axes.
    """
    said = name_flawless([key for key in map(key_of, metrics.outcomes) if key in flawless])
    if not curves:
        return say("No errors: " + ". ".join(said))
    chosen = {(one.figure, one.comparator) for kind in metrics.protocols for one in metrics.headline(kind)}
    cells = _list_cells(curves, metrics, chosen)
    columns = min(MOST_COLUMNS, len(cells))
    protocols = len({cell.protocol for cell in cells})
    columns = min(columns, protocols) if protocols > 1 else columns
    figure, places = _lay_out(cells, columns, said)
    for axes, cell in zip(places, cells, strict=True):
        everywhere = [points for key, points in curves.items() if key[1:] in cell.panel.lines]
        label(axes, cell.protocol, cell.panel.title_under(cell.protocol), everywhere)
        for line in cell.lines:
            style = _strengthen(cell.panel.style(line), line in chosen)
            axes.plot(*curves[Key(cell.protocol, *line)], **style)
        _add_legend(axes, cell, chosen, SIZES.get(columns, LEAST_SIZE)[1])
    return figure


def _list_cells(curves: Mapping[Key, Points], metrics: Metrics, chosen: set[Line]) -> list[Shown]:
    outcomes = [one for one in metrics.outcomes if key_of(one) in curves]
    palette = list(dict.fromkeys(one.comparator for one in metrics.outcomes))
    cells = [
        Shown(panel, protocol, [line for line in panel.lines if Key(protocol, *line) in curves])
        for panel in arrange(outcomes, chosen, palette)
        for protocol in dict.fromkeys(one.protocol for one in outcomes)
    ]
    return [cell for cell in cells if cell.lines]


def _lay_out(cells: Sequence[Shown], columns: int, said: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Make a figure with axes for every cell, room for the longest legend of each row, and the note."""
    width, height = SIZES.get(columns, LEAST_SIZE)
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    heights = [TITLE + height + LABELS + ENTRY * (1 + max(cell.entries for cell in row)) for row in rows]
    across = EDGES["left"] + columns * width + (columns - 1) * ACROSS + EDGES["right"]
    note = _write_note(said, across)
    down = sum(heights) + ENTRY * (len(note) + 1)
    figure = Figure(figsize=(across, down), dpi=DOTS_PER_INCH)
    places = []
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        left = EDGES["left"] + column * (width + ACROSS)
        bottom = down - sum(heights[:row]) - TITLE - height
        area = (left / across, bottom / down, width / across, height / down)
        places.append(figure.add_axes(area, label=f"{cell.panel.heading} {number}"))
    if note:
        figure.text(0.3 / across, ENTRY / down, "\n".join(note), fontsize=8, color=INK, va="bottom")
    return figure, places


def _write_note(said: Sequence[str], across: float) -> list[str]:
    if not said:
        return []
    letters = int((across - 0.6) / LETTER)
    return ["No errors:", *(line for entry in said for line in textwrap.wrap(entry, letters))]


def _strengthen(style: LineStyle, chosen: bool) -> LineStyle:
    return {**style, "linewidth": STRONG} if chosen else style


def _add_legend(axes: Axes, cell: Shown, chosen: set[Line], height: float) -> None:
    """Put the legend below a panel of so many inches, where it can hide no line."""
    handles = [
        Line2D([], [], label=cell.panel.name(line), **_strengthen(cell.panel.style(line), line in chosen))
        for line in cell.lines
    ]
    axes.legend(
        handles=handles, fontsize=7.5, loc="upper left", bbox_to_anchor=(-0.02, -LABELS / height),
        frameon=False, handlelength=3.4, labelspacing=0.35, borderaxespad=0.0,
    )  # fmt: skip
