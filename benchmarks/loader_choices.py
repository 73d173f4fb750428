"""Measure one by one what the loader's design rests on.

Claims: one call over all mapped shards takes no more time than a loop over the rows; a loop that helps takes
no more processor time than one that waits. By processor time, which other programs disturb less.
Run:    python benchmarks/loader_choices.py --output loader_choices.json

Random captures of the default sizes (rows of 24 and 18 KiB), or of 224x224, in batches of 64 shuffled rows.
The first rows of the table copy batch after batch to three buffers in one thread, without a loader around:

- one by one: a loop of Python over the rows, from mapped files;
- overlaid: one `index_select` over all mapped shards, as the loader does;
- take: `numpy.take` from a copy in memory to buffers, both in large pages;
- take, 16 bytes off: the buffers begin 16 bytes after a page, as those of numpy.empty do.

The others are the loader as it is, and with one thing changed: a loop that only waits, one and four batches
ahead instead of two, batches of 256.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from loader_samples import (
    BATCH,
    RING,
    SIZES,
    copy_all,
    copy_in_order,
    copy_rows,
    copy_shuffled,
    drain,
    make_ring,
    plan_epoch,
    write_shards,
)
from rounds import Claim, Cost, Rounds, Spread, conclude, cost_of, parser_of, run_rounds, speed_of
from selfsame.learning.loading.batches import Batch, BatchLoader
from selfsame.learning.loading.buffers import Buffers, Lent
from selfsame.learning.loading.filling import Filler, Filling
from selfsame.learning.loading.gathering import RowGatherer
from selfsame.shards.arrays import ShardedArrays

FLOOR, ONE_BY_ONE, OVERLAID = "memcpy in order, 1 buffer", "one by one", "overlaid"
LOADER, WAITING = "loader", "loader: the loop only waits"


def main() -> int:
    parser = parser_of(__doc__, rounds=15)
    parser.add_argument("--size", choices=sorted(SIZES), default="default")
    parser.add_argument("--samples", type=int, default=4096)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.short:
        asked.samples, asked.rounds = 512, 3
    with tempfile.TemporaryDirectory(prefix="loader_choices") as folder:
        designs = make_designs(Path(folder), asked.samples, SIZES[asked.size])
        rounds = run_rounds(designs, asked.rounds)
    table = {name: describe(rounds, name, asked.samples) for name in designs}
    return conclude(f"loader_choices, {asked.size} sizes", table, judge(rounds), asked)


def describe(rounds: Rounds, name: str, samples: int) -> dict[str, float | Spread]:
    batches = samples / BATCH
    return {
        "us a batch of 64": cost_of(rounds, name).median / batches * 1e6,
        "processor us": cost_of(rounds, name, "processor_s").median / batches * 1e6,
        "x memcpy": speed_of(rounds, name, FLOOR),
        "by processor": speed_of(rounds, name, FLOOR, by="processor_s"),
    }


def judge(rounds: Rounds) -> list[Claim]:
    pairs = ((OVERLAID, ONE_BY_ONE, 1.0), (LOADER, WAITING, 0.95))
    found = [(one, other, least, speed_of(rounds, one, other, "processor_s")) for one, other, least in pairs]
    return [
        Claim(f"{one}: at least {least} times {other}, by processor time", times, times.median >= least)
        for one, other, least, times in found
    ]


def make_designs(
    folder: Path, samples: int, sizes: Sequence[tuple[int, int]]
) -> dict[str, Callable[[], Cost]]:
    arrays = write_shards(folder, samples, sizes)
    order = np.concatenate([step.labels for step in plan_epoch(samples, len(sizes))])
    found = make_copies(arrays, order)
    found[LOADER] = load(arrays)
    found[WAITING] = partial(wait_only, load(arrays))
    found[f"{LOADER}: 1 ahead"] = load(arrays, prefetch=1)
    found[f"{LOADER}: 4 ahead"] = load(arrays, prefetch=4)
    found[f"{LOADER}: batches of {4 * BATCH}"] = load(arrays, batch=4 * BATCH)
    return {name: drain(design) for name, design in found.items()}


def load(
    arrays: Sequence[ShardedArrays], *, prefetch: int = 2, batch: int = BATCH
) -> Callable[[], Iterator[Batch]]:
    plan = plan_epoch(len(arrays[0]), len(arrays), batch)
    return partial(iter, BatchLoader(arrays, plan, prefetch=prefetch, pin=False))


def wait_only(design: Callable[[], Iterator[Batch]]) -> Iterator[Batch]:
    finish = Filler.finish

    def wait(self: Filler, filling: Filling) -> tuple[Buffers, Lent]:
        self._loop_fills = False
        return finish(self, filling)

    Filler.finish = wait
    try:
        yield from design()
    finally:
        Filler.finish = finish


def make_copies(
    arrays: Sequence[ShardedArrays], order: np.ndarray
) -> dict[str, Callable[[], Iterator[object]]]:
    rows, samples = copy_rows(arrays), len(order)
    ring = make_ring(rows, RING)
    found = {
        FLOOR: partial(copy_in_order, rows, ring=make_ring(rows, 1)),
        "memcpy in order, 3 buffers": partial(copy_in_order, rows, ring=ring),
        ONE_BY_ONE: partial(copy_one_by_one, arrays, order, ring=ring),
        OVERLAID: partial(gather, [RowGatherer(one) for one in arrays], order, ring=ring),
        "take": partial(copy_shuffled, rows, order, ring=ring),
        "take, 16 bytes off": partial(copy_shuffled, rows, order, ring=make_ring(rows, RING, past_page=16)),
    }
    return {name: copy_all(copy, samples) for name, copy in found.items()}


def gather(
    gatherers: Sequence[RowGatherer], order: np.ndarray, first: int, ring: Sequence[Sequence[np.ndarray]]
) -> None:
    rows = order[first : first + BATCH]
    for gatherer, target in zip(gatherers, ring[first // BATCH % len(ring)], strict=True):
        gatherer.gather(rows, target[: len(rows)])


def copy_one_by_one(
    arrays: Sequence[ShardedArrays], order: np.ndarray, first: int, ring: Sequence[Sequence[np.ndarray]]
) -> None:
    rows = order[first : first + BATCH]
    for one, target in zip(arrays, ring[first // BATCH % len(ring)], strict=True):
        one.gather(rows, out=target[: len(rows)].reshape(-1, *one.shape[1:]))


if __name__ == "__main__":
    sys.exit(main())
