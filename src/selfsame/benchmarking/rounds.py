"""Interleaved rounds: every design once a round, in an order drawn anew; none has the quiet minutes alone."""

import random
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from selfsame.benchmarking.pace import Pace
from selfsame.parallel.progress import follow

Design = TypeVar("Design")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Spread:
    """A figure of several rounds: its median, least and greatest value."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Summarise one value or more."""
        found = list(values)
        return cls(statistics.median(found), min(found), max(found))

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.least:.3g} to {self.greatest:.3g})"


def run_rounds(
    designs: Mapping[Design, Callable[[], Found]], rounds: int, *, what: str, seed: int
) -> list[dict[Design, Found]]:
    """Run every design in every round.

    Args:
        designs: what is compared; each call is one run, and returns what was found of it.
        rounds: how often.
        what: is measured, for the progress.
        seed: of the orders.

    Returns:
        A dictionary a round.
    """
    order = random.Random(seed)
    turns = [order.sample(list(designs), len(designs)) for _ in range(rounds)]
    flat = [(n, design) for n, turn in enumerate(turns) for design in turn]
    found: list[dict[Design, Found]] = [{} for _ in turns]
    for n, design in follow(flat, what, len(flat), "run"):
        found[n][design] = designs[design]()
    return found


def rates_of(rounds: Sequence[Mapping[Design, Pace]], design: Design) -> Spread:
    """Summarise how many items a second a design made."""
    return Spread.of(one[design].rate for one in rounds)


def share_of(rounds: Sequence[Mapping[Design, Pace]], design: Design, baseline: Design) -> float:
    """Divide a design's rate by that of a baseline in the same round; the median over the rounds."""
    return statistics.median(one[design].rate / one[baseline].rate for one in rounds)
