"""Measure the batch loader against plain copies and against other loaders, on the same samples.

Claims: at least 0.8 of memcpy; at least 60 times a DataLoader of one .npy a capture that hands out uint8; at
least 20 times WebDataset, litdata and mosaicml-streaming with the better of 0 and 2 workers.
Run:    python benchmarks/loader.py --environment build/loaders --output loader.json
        python benchmarks/loader.py --environment build/loaders --size 224 --samples 1024

A sample is three captures of random pixels, each an image and its mask as here (2 channels, uint8), at the
default sizes or at 224x224; every design hands out the same samples in batches, all from the page cache: each
time it runs an epoch that does not count, and then one that does.

BatchLoader reads files that are mapped. The plain copies read a copy of them in memory, in large pages:

- memcpy: rows in order, to one buffer, which stays in the cache: the plainest measure there is. No loader can
  do that, which hands one batch out while it fills the next and is asked for shuffled rows.
- memcpy, 3 buffers: the same to the three buffers that a loader fills in turn.
- memcpy, shuffled: the rows of the loader's batches, to three buffers. Memory is slower at the beginning of a
  row than further on, which tells where rows are small.
- by 2 threads: the same by both at once, because a loop that only waits for batches helps to fill them.

One .npy a capture is a DataLoader whose Dataset loads the files of a sample: as uint8, which is what is
judged, and as many write it, `torch.from_numpy(np.load(path)).float() / 255`, four times the bytes.

The other loaders are installed into the environment that is named (made where it is missing; it sees the
packages of this one, so torch is not installed again); without one they are left out. Each runs in a process
of its own, which is driven round by round, so that all designs are interleaved. BatchLoader, the DataLoader
of files and the copy of shuffled rows read one true permutation; WebDataset shuffles the shards and a buffer
of 1,000 samples, litdata and mosaicml-streaming chunks or blocks and the samples within.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from loader_rivals import RIVALS, serve, start_rivals
from loader_samples import (
    BATCH,
    RING,
    SIZES,
    copy_all,
    copy_in_order,
    copy_in_threads,
    copy_rows,
    copy_shuffled,
    drain,
    make_ring,
    plan_epoch,
    write_shards,
)
from rounds import Claim, Cost, Measure, Rounds, Spread, conclude, cost_of, parser_of, run_rounds, speed_of
from selfsame.learning.loading.batches import BatchLoader

LOADER = "BatchLoader"
IN_ORDER, RINGED, SHUFFLED = "memcpy", "memcpy, 3 buffers", "memcpy, shuffled"
TWO = "by 2 threads"
FILES, FLOATS = "one .npy a capture", "one .npy a capture, as float32"


def main() -> int:
    parser = parser_of(__doc__, rounds=5)
    parser.add_argument("--size", choices=("default", "224"), default="default")
    parser.add_argument("--samples", type=int, default=4096)
    parser.add_argument("--environment", type=Path, help="a folder; other loaders are left out without it")
    parser.add_argument("--serve", choices=RIVALS, help="used by the script itself: run one other loader")
    parser.add_argument("--workers", type=int, default=0, help="likewise")
    parser.add_argument("--folder", type=Path, help="likewise")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.serve:
        serve(asked)
        return 0
    if asked.short:
        asked.samples, asked.rounds = 512, 2
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loader")))
        designs = make_designs(folder, asked.samples, asked.size)
        if asked.environment:
            designs |= start_rivals(folder, asked, stack)
        rounds = run_rounds(designs, asked.rounds)
    table = {name: describe(rounds, name, asked.samples) for name in designs}
    return conclude(f"loader, {asked.size} sizes", table, list(judge(rounds)), asked)


def describe(rounds: Rounds, name: str, samples: int) -> dict[str, float | Spread]:
    return {
        "samples/s": samples / cost_of(rounds, name).median,
        "x memcpy": speed_of(rounds, name, IN_ORDER),
        "x shuffled": speed_of(rounds, name, SHUFFLED),
        "by processor": speed_of(rounds, name, SHUFFLED, by="processor_s"),
        "x .npy": speed_of(rounds, name, f"{FILES}, 0 workers"),
        "x .npy by processor": speed_of(rounds, name, f"{FILES}, 0 workers", by="processor_s"),
    }


def judge(rounds: Rounds) -> Iterator[Claim]:
    for floor in (IN_ORDER, RINGED, SHUFFLED):
        yield claim(rounds, floor, 0.8)
    yield claim(rounds, SHUFFLED, 0.8, by="processor_s")
    for floor in (IN_ORDER, SHUFFLED):
        yield claim(rounds, f"{floor}, {TWO}", 0.8)
    for rival, least in ((FILES, 60), *((one, 20) for one in RIVALS)):
        for workers in ("0 workers", "2 workers") if f"{rival}, 0 workers" in rounds[0] else ():
            yield claim(rounds, f"{rival}, {workers}", least)
            yield claim(rounds, f"{rival}, {workers}", least, by="processor_s")


def claim(rounds: Rounds, floor: str, least: float, by: Measure = "wall_s") -> Claim:
    found = speed_of(rounds, LOADER, floor, by)
    measure = "" if by == "wall_s" else " by processor time"
    times = f"{least} of" if least < 1 else f"{least} times"
    return Claim(f"{LOADER}: at least {times} {floor}{measure}", found, found.median >= least)


def make_designs(folder: Path, samples: int, size: str) -> dict[str, Callable[[], Cost]]:
    arrays = write_shards(folder, samples, SIZES[size])
    steps = plan_epoch(samples, len(arrays))
    order = np.concatenate([step.labels for step in steps])
    write_files(folder, arrays)
    loader = BatchLoader(arrays, steps, prefetch=2, pin=False)
    found = make_copies(copy_rows(arrays), order) | {LOADER: partial(iter, loader)}
    for name, files in ((FILES, CaptureFiles), (FLOATS, FloatFiles)):
        for workers in (0, 2):
            found[f"{name}, {workers} workers"] = partial(
                DataLoader,
                files(folder, order, len(arrays)),
                batch_size=BATCH,
                num_workers=workers,
            )
    return {name: drain(design) for name, design in found.items()}


def make_copies(rows: Sequence, order: np.ndarray) -> dict[str, Callable[[], Iterator[object]]]:
    """Make the plain copies, by one thread and by two."""
    samples = len(order)
    one, ring = make_ring(rows, 1), make_ring(rows, RING)

    def in_order(first: int, ring: Sequence) -> object:
        return copy_in_order(rows, first, ring)

    def shuffled(first: int, ring: Sequence) -> object:
        return copy_shuffled(rows, order, first, ring)

    return {
        IN_ORDER: copy_all(partial(in_order, ring=one), samples),
        RINGED: copy_all(partial(in_order, ring=ring), samples),
        SHUFFLED: copy_all(partial(shuffled, ring=ring), samples),
        f"{IN_ORDER}, {TWO}": copy_in_threads(in_order, [one, make_ring(rows, 1)], samples),
        f"{SHUFFLED}, {TWO}": copy_in_threads(shuffled, [ring, make_ring(rows, RING)], samples),
    }


def write_files(folder: Path, arrays: Sequence) -> None:
    """Write each capture as a file of its own."""
    for m, one in enumerate(arrays):
        (folder / f"{m}").mkdir()
        for row in range(len(one)):
            np.save(folder / f"{m}" / f"{row}.npy", one.gather(np.array([row]))[0])


class CaptureFiles(Dataset[tuple[torch.Tensor, ...]]):
    """The usual way: one .npy file a capture, loaded where the sample is asked for."""

    def __init__(self, folder: Path, order: np.ndarray, modalities: int) -> None:
        self._folder, self._order, self._modalities = str(folder), order.tolist(), modalities

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, ...]:
        row = self._order[i]
        return tuple(self.load(f"{self._folder}/{m}/{row}.npy") for m in range(self._modalities))

    def load(self, path: str) -> torch.Tensor:
        """Load one capture, (2, height, width)."""
        return torch.from_numpy(np.load(path))


class FloatFiles(CaptureFiles):
    """The same with the conversion that most write into the Dataset."""

    def load(self, path: str) -> torch.Tensor:
        """Load one capture, (2, height, width) float32."""
        return super().load(path).float() / 255


if __name__ == "__main__":
    sys.exit(main())
