"""How fast captures become rows: by backend and number of workers, beside the floor that no design can beat.

The floor decodes and normalises the same captures in memory, in one thread, and does nothing else. The
designs are those of `make_shards`: they read files, check digests, pack and hand the shards over. Nothing is
written.
"""

import contextlib
import io
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from typing import Literal

import pandas as pd

from selfsame.benchmarking.pace import Pace, measure_pace
from selfsame.benchmarking.rounds import Spread, rates_of, run_rounds, share_of
from selfsame.errors import InputError
from selfsame.parallel.backends import Backend, require_backend
from selfsame.shards.making import Reader, Recipe, make_shard
from selfsame.shards.planning import PlannedImpression, PlannedShard
from selfsame.shards.running import make_shards, single_threads

IN_PROCESS = ("floor", "sequential", "threading")
PIECES = 7
"""Of a worker, at the least: one that is behind at the end costs a small part of the whole."""

COLUMNS = {
    "backend": "str",
    "workers": "int32",
    "images_per_s": "float64",
    "least": "float64",
    "greatest": "float64",
    "processor_ms": "float64",
    "of_floor": "float64",
    "start_s": "float64",
    "whole_s": "float64",
    "configured": "bool",
}


@dataclass(frozen=True)
class Design:
    """Where the work is done, and by how many workers."""

    backend: Backend | Literal["floor"]
    workers: int


FLOOR = Design("floor", 1)


@dataclass(frozen=True)
class Sample:
    """Captures to work on, again and again.

    Attributes:
        planned: the captures, one impression each.
        source: where their files are.
        recipe: how one becomes a row.
        rows_per_shard: the most captures that a worker gets at a time.
        captures: how many the whole set has, for the time that it would take.
    """

    planned: tuple[PlannedImpression, ...]
    source: Reader
    recipe: Recipe
    rows_per_shard: int
    captures: int


def list_designs(backends: Sequence[Backend], workers: Sequence[int]) -> list[Design]:
    """List the floor and every backend with every number of workers; there is one sequential worker."""
    counts = {backend: [1] if backend == "sequential" else list(workers) for backend in backends}
    return [FLOOR, *(Design(backend, n) for backend in backends for n in counts[backend])]


def find_configured(backend: Backend, workers: int, cores: int) -> Design:
    """Find the design that parameters ask for, in which -1 means all cores."""
    return Design(backend, 1 if backend == "sequential" else cores if workers == -1 else workers)


def time_preprocessing(
    sample: Sample, designs: Sequence[Design], configured: Design, *, rounds: int, design_s: float, seed: int
) -> pd.DataFrame:
    """Run every design in every round.

    Args:
        sample: the captures; those that cannot be normalised are left out.
        designs: from `list_designs`.
        configured: what preprocessing is set to.
        rounds: how often each runs.
        design_s: seconds that a run takes, the start of its workers apart.
        seed: of the orders.

    Returns:
        One row a design: `images_per_s` once the workers have started (the median of the rounds, `least`,
        `greatest`), `processor_ms` an image (NaN where the system does not tell), `of_floor` a worker,
        `start_s` that the workers need, and `whole_s` that the whole set would take, start included.

    Raises:
        InputError: a backend is not installed.
    """
    for one in designs:
        if one.backend != "floor":
            require_backend(one.backend)
    usable = keep_usable(sample)
    rate = _run_floor(usable, design_s).rate
    runs = {
        one: partial(_run_floor, usable, design_s)
        if one.backend == "floor"
        else partial(_make, usable, one.backend, one.workers, rate * design_s)
        for one in designs
    }
    found = run_rounds(runs, rounds, what="benchmark", seed=seed)
    rows = [(*_row(found, one, sample.captures), one == configured) for one in designs]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def keep_usable(sample: Sample) -> Sample:
    """Leave out the captures that cannot be normalised; what is left is in the page cache.

    Raises:
        InputError: nothing is left.
    """
    usable = tuple(one for one in sample.planned if _is_usable(one, sample))
    if not usable:
        raise InputError(
            f"expected captures that can be normalised, but none of {len(sample.planned)} that were drawn "
            "can be: run preprocessing, its index has the reasons"
        )
    return Sample(usable, sample.source, sample.recipe, sample.rows_per_shard, sample.captures)


def _row(found: Sequence[dict[Design, Pace]], design: Design, captures: int) -> tuple[object, ...]:
    rate = rates_of(found, design)
    start_s = Spread.of(one[design].start_s for one in found).median
    busy = Spread.of(one[design].processor_ms for one in found).median
    share = share_of(found, design, FLOOR) / design.workers
    figures = (rate.median, rate.least, rate.greatest, busy, share, start_s)
    return design.backend, design.workers, *figures, start_s + captures / rate.median


def _is_usable(one: PlannedImpression, sample: Sample) -> bool:
    (entry,) = make_shard(PlannedShard("", (one,)), sample.source, sample.recipe).record.entries
    return entry.reason is None


def _normalise(data: bytes, one: PlannedImpression, recipe: Recipe) -> None:
    stated = {} if one.resolution_dpi is None else {"resolution_dpi": one.resolution_dpi}
    recipe.normalise(recipe.decode(data), **stated)


def _run_floor(sample: Sample, design_s: float) -> Pace:
    """Decode and normalise for so long; reading is not counted."""
    items, wall_s, processor_s = 0, 0.0, 0.0
    with single_threads():
        for one in cycle(sample.planned):
            data = sample.source.read(one.path)
            began, busy = time.perf_counter(), time.process_time()
            _normalise(data, one, sample.recipe)
            wall_s += time.perf_counter() - began
            processor_s += time.process_time() - busy
            items += 1
            if wall_s >= design_s:
                break
    return Pace(items, wall_s, processor_s, 0.0)


def _make(sample: Sample, backend: Backend, workers: int, images: float) -> Pace:
    """Make shards of so many images a worker, after a first one each."""
    rows = max(1, min(sample.rows_per_shard, round(images / PIECES)))
    shards = workers * (1 + max(PIECES, math.ceil(images / rows)))
    again = cycle(sample.planned)
    plan = [PlannedShard(f"{i:08}", tuple(islice(again, rows))) for i in range(shards)]
    with contextlib.redirect_stderr(io.StringIO()):  # no bar of its own for every run
        made = make_shards(plan, (), sample.source, sample.recipe, backend=backend, workers=workers)
        counts = (0 if isinstance(shard, str) else len(shard.record.entries) for shard in made)
        return measure_pace(counts, warm=workers, alone=backend in IN_PROCESS)
