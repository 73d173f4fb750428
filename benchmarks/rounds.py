"""What the benchmarks share: interleaved rounds, ratios with their spread, one table, one JSON file.

Every round runs all designs in a random order; a ratio is the median of the ratios within one round. Times
that pass tell of an idle machine, processor times also of one that others use as well.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from selfsame.benchmarking.machine import describe_machine
from selfsame.benchmarking.rounds import Spread
from selfsame.benchmarking.rounds import run_rounds as interleave

Measure = Literal["wall_s", "processor_s"]

HOLDS, FAILS, NOT_SHOWN = "holds", "DOES NOT HOLD", "not shown by the short form"


@dataclass(frozen=True)
class Cost:
    """What one run of a design took: seconds that passed, seconds of processors (ended children included)."""

    wall_s: float
    processor_s: float


@dataclass(frozen=True)
class Claim:
    """What is claimed, what was found, and whether that holds the claim.

    Attributes:
        text: of the claim, with its bound.
        found: what was measured or counted.
        holds: whether it is within the bound.
        exact: whether that is a matter of right and wrong, which shows in the short form as well; figures of
            speed, memory and recognition do not.
    """

    text: str
    found: Spread | float | str
    holds: bool
    exact: bool = False

    def judge(self, *, short: bool) -> str:
        """Say in a word or two whether it holds."""
        if self.holds:
            return HOLDS
        return NOT_SHOWN if short and not self.exact else FAILS

    def tell(self, *, short: bool) -> str:
        """Say what was claimed, what was found and whether it holds."""
        found = f"{self.found:.3g}" if isinstance(self.found, float) else str(self.found)
        return f"{self.judge(short=short)}: {self.text}: {found}"


Rounds = Sequence[Mapping[str, Cost]]
Row = Mapping[str, float | int | str | Spread]


def parser_of(document: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """Make the parser that every benchmark adds its own options to."""
    parser = argparse.ArgumentParser(
        description=document, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--short", action="store_true", help="fewer and smaller, to see that it works: make bench"
    )
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--output", type=Path, help="a JSON file for what was found")
    return parser


def run_rounds(
    designs: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    seed: int = 0,
    clear: Callable[[], object] = lambda: None,
) -> Rounds:
    """Run every design once to warm up, then `rounds` times, in an order drawn anew for every round.

    What `clear` does after each design is not measured: deleting files may take as long as writing them.
    """

    def run(design: Callable[[], object]) -> Cost:
        cost = time_once(design)
        clear()
        return cost

    runs = {name: partial(run, design) for name, design in sorted(designs.items())}
    return interleave(runs, rounds + 1, what="benchmark", seed=seed)[1:]


def time_once(design: Callable[[], object]) -> Cost:
    """Run a design once; one that returns a `Cost` has timed itself, to leave out what is not compared."""
    began, busy = time.perf_counter(), processor_s()
    done = design()
    if isinstance(done, Cost):
        return done
    return Cost(time.perf_counter() - began, processor_s() - busy)


def processor_s() -> float:
    """Count the processor's seconds of this process and of its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_mib() -> float:
    """Read the most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def speed_of(rounds: Rounds, name: str, baseline: str, by: Measure = "wall_s") -> Spread:
    """Tell how many times as fast as the baseline a design is."""
    return Spread.of(getattr(one[baseline], by) / getattr(one[name], by) for one in rounds)


def cost_of(rounds: Rounds, name: str, by: Measure = "wall_s") -> Spread:
    """Tell what a design took, in seconds."""
    return Spread.of(getattr(one[name], by) for one in rounds)


def conclude(name: str, table: Mapping[str, Row], claims: Sequence[Claim], asked: argparse.Namespace) -> int:
    """Print the table and what became of the claims, and write both to the JSON file that was asked for.

    Args:
        name: of the benchmark.
        table: one row a design, by its name; rows of the same columns.
        claims: what was claimed.
        asked: the options: `short`, `output`.

    Returns:
        The status to exit with: 1 where a claim does not hold.
    """
    print(f"\n{name}{' (short form: the figures tell little)' if asked.short else ''}")
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    width = max([len(one) for one in table], default=0)
    widths = [
        max(len(column), *(len(_cell(row.get(column, ""))) for row in table.values())) for column in columns
    ]
    print(" " * width, *(column.rjust(w) for column, w in zip(columns, widths, strict=True)), sep="  ")
    for design, row in table.items():
        cells = (_cell(row.get(column, "")).rjust(w) for column, w in zip(columns, widths, strict=True))
        print(design.ljust(width), *cells, sep="  ")
    for claim in claims:
        print(claim.tell(short=asked.short))
    if asked.output:
        document = {
            "benchmark": name,
            "short": asked.short,
            "machine": describe_machine(),
            "table": {
                design: {key: _plain(value) for key, value in row.items()} for design, row in table.items()
            },
            "claims": [asdict(claim) | {"verdict": claim.judge(short=asked.short)} for claim in claims],
        }
        asked.output.parent.mkdir(parents=True, exist_ok=True)
        asked.output.write_text(json.dumps(document, indent=2, default=_unwrap) + "\n")
    return int(any(claim.judge(short=asked.short) == FAILS for claim in claims))


def _unwrap(value: np.generic) -> object:
    """Turn a number or a truth of NumPy into one of Python, which JSON knows."""
    return value.item()


def _plain(value: float | int | str | Spread) -> object:
    return asdict(value) if isinstance(value, Spread) else value


def _cell(value: float | int | str | Spread) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
