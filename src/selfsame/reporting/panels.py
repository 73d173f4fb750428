"""Which lines share a panel, so that a plot of many comparators can still be read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from selfsame.evaluation.results import Metrics, Outcome
from selfsame.protocols.names import Kind
from selfsame.reporting.style import ACROSS, INK, LONGEST, LineStyle, line_of, new_panels
from selfsame.reporting.wording import readable

MOST_LINES = 8
"""More than that many lines in a panel cannot be told apart."""

SIDES = {1: 4.6, 2: 3.9}
"""Inches of a panel's side by how many stand beside each other; more are of LEAST_SIDE."""

LEAST_SIDE = 3.3
LETTER = 0.068
"""Inches of a letter in the legend."""

Points = tuple[NDArray[np.float64], NDArray[np.float64]]
Label = Callable[[Axes, Kind, str], None]
"""Sets up the axes of a protocol with the panel's title."""


class Key(NamedTuple):
    """Names one line: what was measured, on what, by which comparator or fusion rule."""

    protocol: Kind
    figure: str
    comparator: str


@dataclass(frozen=True)
class Panel:
    """Lines that are drawn together, each (figure, comparator)."""

    title: str
    lines: tuple[tuple[str, str], ...]
    figures: list[str] = field(init=False)
    comparators: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", list(dict.fromkeys(figure for figure, _ in self.lines)))
        object.__setattr__(self, "comparators", list(dict.fromkeys(name for _, name in self.lines)))

    @property
    def heading(self) -> str:
        """What the panel shows: its one figure, or the group of figures."""
        return readable(self.figures[0]) if len(self.figures) == 1 else self.title

    def name(self, line: tuple[str, str]) -> str:
        """Name a line by what the heading does not say."""
        figure, comparator = map(readable, line)
        if len(self.figures) == 1:
            return comparator
        return (
            f"{figure}, {comparator}" if len(figure) + len(comparator) < 30 else f"{figure}\nby {comparator}"
        )

    def style(self, line: tuple[str, str]) -> LineStyle:
        """Choose colour by figure and dashes by comparator, or both by whichever of them is many."""
        figure, comparator = self.figures.index(line[0]), self.comparators.index(line[1])
        if len(self.figures) * len(self.comparators) > len(self.lines):
            return line_of(place := self.lines.index(line), place)
        return line_of(
            comparator if len(self.figures) == 1 else figure,
            figure if len(self.comparators) == 1 else comparator,
        )


def key_of(outcome: Outcome) -> Key:
    """Name the line of an outcome."""
    return Key(outcome.protocol, outcome.figure, outcome.comparator)


def arrange(outcomes: Sequence[Outcome], chosen: Iterable[tuple[str, str]]) -> list[Panel]:
    """Share the lines of outcomes among panels, in the order of the results.

    Few lines share one panel. Many are shown thrice over: what inference would do, then all comparators of
    single modalities, then all fusion rules, each in as many panels as it takes.

    Args:
        outcomes: of any protocols; a line that several protocols have is in one panel once.
        chosen: (figure, comparator) of what inference would do.
    """
    lines = {(one.figure, one.comparator): len(one.modalities) for one in outcomes}
    if len(lines) <= MOST_LINES:
        return [Panel("All", tuple(lines))]
    picked = set(chosen)
    groups = {
        "Chosen": [line for line in lines if line in picked],
        "Single modalities": [line for line, modalities in lines.items() if modalities == 1],
        "Fusions": [line for line, modalities in lines.items() if modalities > 1],
    }
    return [panel for title, group in groups.items() for panel in _pack(title, group)]


def _pack(title: str, lines: Sequence[tuple[str, str]]) -> list[Panel]:
    """Fill panels in order, leaving no figure's lines in two panels unless it alone has too many."""
    packs: list[list[tuple[str, str]]] = []
    for figure in dict.fromkeys(figure for figure, _ in lines):
        own = [line for line in lines if line[0] == figure]
        if packs and len(packs[-1]) + len(own) <= MOST_LINES:
            packs[-1] += own
        else:
            packs += [own[start : start + MOST_LINES] for start in range(0, len(own), MOST_LINES)]
    return [Panel(title, tuple(pack)) for pack in packs]


def draw_panels(curves: Mapping[Key, Points], metrics: Metrics, label: Label) -> Figure:
    """Draw lines in small multiples: a column a protocol, a row a panel of lines, its legend on the right.

    Where there is one protocol, panels fill two columns, each with its legend.

    Args:
        curves: the points of each line, x and y; at least one.
        metrics: the results, whose order the lines take; what inference would do is drawn stronger.
        label: sets up axes.
    """
    outcomes = [one for one in metrics.outcomes if key_of(one) in curves]
    protocols = list(dict.fromkeys(one.protocol for one in outcomes))
    chosen = {(one.figure, one.comparator) for kind in protocols for one in metrics.headline(kind)}
    panels = arrange(outcomes, chosen)
    cells = [(panel, protocol) for panel in panels for protocol in protocols]
    columns = len(protocols) if len(protocols) > 1 else min(2, len(panels))
    side, room = SIDES.get(columns, LEAST_SIDE), _room(panels)
    between = ACROSS if len(protocols) > 1 else ACROSS + room
    figure, grid = new_panels(
        -(-len(cells) // columns), columns, width=side, height=side * 0.92, between=between, beside=room
    )
    places = list(chain.from_iterable(grid))
    for axes, (panel, protocol) in zip(places, cells, strict=False):
        label(axes, protocol, _title(panel, protocol))
        _draw(axes, panel, protocol, curves, chosen)
        if protocol == protocols[-1]:
            _add_legend(axes, panel, chosen)
    for axes in places[len(cells) :]:
        axes.set_axis_off()
    return figure


def _draw(
    axes: Axes, panel: Panel, protocol: Kind, curves: Mapping[Key, Points], chosen: set[tuple[str, str]]
) -> None:
    shown = [line for line in panel.lines if Key(protocol, *line) in curves]
    for line in shown:
        axes.plot(*curves[Key(protocol, *line)], **_strength(panel.style(line), line in chosen))
    hidden = [line for line in shown if _hugs(axes, *curves[Key(protocol, *line)])]
    if hidden:
        names = ", ".join(panel.name(line).replace("\n", " ") for line in hidden)
        said = names if len(names) <= LONGEST else f"{len(hidden)} of {len(shown)} lines"
        axes.text(
            0.98, 0.97, f"no error: {said}", transform=axes.transAxes, ha="right", va="top",
            fontsize=7, color=INK,
        )  # fmt: skip
    if not shown:
        axes.text(0.5, 0.5, "nothing measured", transform=axes.transAxes, ha="center", color=INK)


def _hugs(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    """Tell whether a line runs along the left and the lower edge alone, where it can hardly be seen."""
    return bool(((x <= axes.get_xlim()[0]) | (y <= axes.get_ylim()[0])).all())


def _title(panel: Panel, protocol: Kind) -> str:
    parts = (panel.heading, readable(protocol))
    return ": ".join(parts) if len("".join(parts)) <= LONGEST else ":\n".join(parts)


def _strength(style: LineStyle, chosen: bool) -> LineStyle:
    return {**style, "linewidth": 2.6} if chosen else style


def _add_legend(axes: Axes, panel: Panel, chosen: set[tuple[str, str]]) -> None:
    """Put the legend beside the row, where it can hide no line."""
    handles = [
        Line2D([], [], label=panel.name(line), **_strength(panel.style(line), line in chosen))
        for line in panel.lines
    ]
    axes.legend(
        handles=handles, fontsize=8, loc="upper left", bbox_to_anchor=(1.03, 1.0), frameon=False,
        handlelength=3.4, labelspacing=0.7, borderaxespad=0.0,
    )  # fmt: skip


def _room(panels: Sequence[Panel]) -> float:
    """Find the inches that the widest legend takes."""
    parts = [part for panel in panels for line in panel.lines for part in panel.name(line).split("\n")]
    return 0.9 + LETTER * max(map(len, parts))
