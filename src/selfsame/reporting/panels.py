"""Which lines share a panel, so that a plot of many comparators can still be read."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from selfsame.evaluation.results import Outcome
from selfsame.protocols.names import Kind
from selfsame.reporting.style import LONGEST, LineStyle, join_title, line_of
from selfsame.reporting.wording import readable

MOST_LINES = 8
"""More than that many lines in a panel cannot be told apart."""

LONGEST_NAME = 44
"""Letters of one line of a legend."""

Line = tuple[str, str]
"""A figure and its comparator or fusion rule."""


class Key(NamedTuple):
    """Names one line: what was measured, on what, by which comparator or fusion rule."""

    protocol: Kind
    figure: str
    comparator: str


@dataclass(frozen=True)
class Panel:
    """Lines that are drawn together.

    Attributes:
        title: of the group of lines.
        lines: each (figure, comparator).
        palette: all comparators and rules of the run, in the order of their colours.
    """

    title: str
    lines: tuple[Line, ...]
    palette: tuple[str, ...]
    figures: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", list(dict.fromkeys(figure for figure, _ in self.lines)))

    @property
    def heading(self) -> str:
        """What the panel shows: its one figure, or the group of figures."""
        return readable(self.figures[0]) if len(self.figures) == 1 else self.title

    def name(self, line: Line) -> str:
        """Name a line by what the heading does not say."""
        figure, comparator = map(readable, line)
        if len(self.figures) == 1:
            return comparator
        one_line = len(figure) + len(comparator) + 2 <= LONGEST_NAME
        return f"{figure}, {comparator}" if one_line else f"{figure}\nby {comparator}"

    def style(self, line: Line) -> LineStyle:
        """Choose the colour of the comparator in the whole run; dashes by figure where there are several."""
        colour = self.palette.index(line[1])
        return line_of(colour, colour if len(self.figures) == 1 else self.figures.index(line[0]))

    def title_under(self, protocol: Kind) -> str:
        """Write the title of the panel under a protocol, in two lines where one is too long."""
        return join_title(self.heading, readable(protocol), LONGEST)


def key_of(outcome: Outcome) -> Key:
    """Name the line of an outcome."""
    return Key(outcome.protocol, outcome.figure, outcome.comparator)


def arrange(outcomes: Sequence[Outcome], chosen: Iterable[Line], palette: Sequence[str]) -> list[Panel]:
    """Share the lines of outcomes among panels, in the order of the results.

    Few lines share one panel. Many are shown thrice over: what inference would do, then all comparators of
    single modalities, then all fusion rules, each in as many panels as it takes.

    Args:
        outcomes: of any protocols; a line that several protocols have is in one panel once.
        chosen: (figure, comparator) of what inference would do.
        palette: all comparators and rules of the run, in the order of their colours.
    """
    lines = {(one.figure, one.comparator): len(one.modalities) for one in outcomes}
    if len(lines) <= MOST_LINES:
        return [Panel("Everything", tuple(lines), tuple(palette))]
    picked = set(chosen)
    groups = {
        "Chosen": [line for line in lines if line in picked],
        "Single modalities": [line for line, modalities in lines.items() if modalities == 1],
        "Fusions": [line for line, modalities in lines.items() if modalities > 1],
    }
    return [Panel(title, pack, tuple(palette)) for title, group in groups.items() for pack in _pack(group)]


def _pack(lines: Sequence[Line]) -> list[tuple[Line, ...]]:
    """Fill panels in order, leaving no figure's lines in two panels unless it alone has too many."""
    packs: list[list[Line]] = []
    for figure in dict.fromkeys(figure for figure, _ in lines):
        own = [line for line in lines if line[0] == figure]
        if packs and len(packs[-1]) + len(own) <= MOST_LINES:
            packs[-1] += own
        else:
            packs += [own[start : start + MOST_LINES] for start in range(0, len(own), MOST_LINES)]
    return [tuple(pack) for pack in packs]


def name_flawless(keys: Collection[Key]) -> list[str]:
    """Name what made no error, one entry a protocol; figures with the same comparators are named together.

    >>> name_flawless([Key("closed_set", "all", "sum"), Key("closed_set", "irises", "sum")])
    ['Closed set: all, irises by sum']
    """
    entries = []
    for protocol in dict.fromkeys(key.protocol for key in keys):
        comparators: dict[str, list[str]] = {}
        for key in keys:
            if key.protocol == protocol:
                comparators.setdefault(key.figure, []).append(readable(key.comparator))
        figures: dict[str, list[str]] = {}
        for figure, names in comparators.items():
            figures.setdefault(", ".join(names), []).append(readable(figure))
        said = "; ".join(f"{', '.join(own)} by {names}" for names, own in figures.items())
        entries.append(f"{readable(protocol).capitalize()}: {said}")
    return entries
