"""How fast batches come: from `BatchLoader`, by a plain copy, and from one file an image.

The same presentations are drawn again and again, in an order drawn anew, so that they come from memory: these
are figures of the loader, not of the disk.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from selfsame.benchmarking.pace import Pace, measure_pace
from selfsame.benchmarking.rounds import Spread, rates_of, run_rounds, share_of
from selfsame.learning.loading.batches import BatchLoader, PlanStep
from selfsame.shards.arrays import ShardedArrays

MOST_FILES = 256
"""Presentations that are written as files: enough that no core's cache holds the batches."""

FEWEST = 4
"""Batches of a run, at the least, after those that a loader has ready when it starts."""

COLUMNS = {
    "design": "str",
    "batch_size": "int32",
    "prefetch": "int32",
    "workers": "int32",
    "samples_per_s": "float64",
    "least": "float64",
    "greatest": "float64",
    "processor_ms": "float64",
    "of_memcpy": "float64",
    "start_s": "float64",
}


@dataclass(frozen=True)
class Design:
    """One way to come by batches.

    Attributes:
        name: which way.
        batch_size: presentations a batch.
        prefetch: batches that `BatchLoader` gathers ahead; else 0.
        workers: processes of the DataLoader of files; else 0.
    """

    name: Literal["memcpy", "batch_loader", "file_per_image"]
    batch_size: int
    prefetch: int = 0
    workers: int = 0

    @property
    def ahead(self) -> int:
        """Batches that are ready or in the making while the loop holds one."""
        return self.prefetch + 2 * self.workers


def list_designs(
    batch_sizes: Sequence[int], prefetch: Sequence[int], file_workers: Sequence[int]
) -> list[Design]:
    """List the copy and the loader at every size of batch, and the files at the middle one."""
    middle = sorted(batch_sizes)[len(batch_sizes) // 2]
    return [
        *(Design("memcpy", size) for size in batch_sizes),
        *(Design("batch_loader", size, ahead) for size in batch_sizes for ahead in prefetch),
        *(Design("file_per_image", middle, 0, workers) for workers in file_workers),
    ]


def time_loading(
    arrays: Sequence[ShardedArrays],
    designs: Sequence[Design],
    *,
    presentations: int,
    rounds: int,
    design_s: float,
    seed: int,
) -> pd.DataFrame:
    """Run every design in every round, on one thread of torch.

    Args:
        arrays: of each modality; all presentations have all of them.
        designs: from `list_designs`.
        presentations: at most so many are drawn, and shown again and again.
        rounds: how often each design runs.
        design_s: about the seconds that a run takes.
        seed: of what is drawn and of the orders.

    Returns:
        One row a design: `samples_per_s` (the median of the rounds, `least`, `greatest`), `processor_ms` a
        sample (NaN where the system does not tell), `of_memcpy` of the same size of batch, and `start_s`.
    """
    count = min(presentations, max(map(len, arrays)))
    rows = draw_rows([len(one) for one in arrays], count, seed)
    with tempfile.TemporaryDirectory() as folder, _one_thread():
        bench = _Bench(
            tuple(arrays),
            rows,
            Path(folder),
            largest=max(one.batch_size for one in designs),
            design_s=design_s,
            seed=seed,
        )
        if any(one.name == "file_per_image" for one in designs):
            write_files(Path(folder), arrays, rows[:MOST_FILES])
        runs = {one: partial(bench.run, one, bench.count_batches(one)) for one in designs}
        found = run_rounds(runs, rounds, what="benchmark", seed=seed)
    table = [_row(found, one) for one in designs]
    return pd.DataFrame(table, columns=list(COLUMNS)).astype(COLUMNS)


def draw_rows(lengths: Sequence[int], count: int, seed: int) -> NDArray[np.int64]:
    """Draw (count, modalities) rows: of each modality all in a random order, and again if they are few."""
    rng = np.random.default_rng(seed)
    return np.stack([np.resize(rng.permutation(length), count) for length in lengths], axis=1).astype(
        np.int64
    )


def write_files(folder: Path, arrays: Sequence[ShardedArrays], rows: NDArray[np.int64]) -> None:
    """Write one .npy file an image: `<presentation>_<modality>.npy`."""
    for k, one in enumerate(arrays):
        for i, row in enumerate(rows[:, k].tolist()):
            np.save(folder / f"{i}_{k}.npy", one.gather(np.array([row]))[0])


class FilePerImage(Dataset[tuple[Tensor, ...]]):
    """The usual way: one .npy file an image, read where the sample is asked for."""

    def __init__(self, folder: Path, order: NDArray[np.int64], modalities: int) -> None:
        self._folder, self._order, self._modalities = folder, order, modalities

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, i: int) -> tuple[Tensor, ...]:
        names = (f"{self._order[i]}_{k}.npy" for k in range(self._modalities))
        return tuple(torch.from_numpy(np.load(self._folder / name)) for name in names)


class _Bench:
    """Runs the designs on the same presentations."""

    def __init__(
        self,
        arrays: tuple[ShardedArrays, ...],
        rows: NDArray[np.int64],
        folder: Path,
        *,
        largest: int,
        design_s: float,
        seed: int,
    ) -> None:
        self._arrays, self._rows, self._folder, self._design_s = arrays, rows, folder, design_s
        self._rng = np.random.default_rng(seed)
        in_order = np.resize(rows, (max(len(rows), largest), len(arrays)))
        self._in_order = [one.gather(in_order[:, k]) for k, one in enumerate(arrays)]

    def count_batches(self, design: Design) -> int:
        """Find by a short run how many batches last as long as they shall."""
        first = self.run(design, FEWEST)
        wanted = self._design_s * first.rate / design.batch_size
        return max(FEWEST, round(wanted))

    def run(self, design: Design, batches: int) -> Pace:
        """Take so many batches, and before them those that are ready at the start."""
        warm = design.ahead + 1
        order = self._draw((warm + batches) * design.batch_size, design)
        counts = {"memcpy": self._copy, "batch_loader": self._load, "file_per_image": self._read}[design.name]
        return measure_pace(counts(design, order), warm=warm, alone=not design.workers)

    def _draw(self, count: int, design: Design) -> NDArray[np.int64]:
        """Draw an order of presentations: whole permutations, one behind the other."""
        known = min(len(self._rows), MOST_FILES) if design.name == "file_per_image" else len(self._rows)
        rounds = [self._rng.permutation(known) for _ in range(-(-count // known))]
        return np.concatenate(rounds)[:count]

    def _load(self, design: Design, order: NDArray[np.int64]) -> Iterator[int]:
        rows, size = self._rows[order], design.batch_size
        plan = [PlanStep(rows[i : i + size], order[i : i + size]) for i in range(0, len(rows), size)]
        yield from map(len, BatchLoader(self._arrays, plan, prefetch=design.prefetch, pin=False))

    def _copy(self, design: Design, order: NDArray[np.int64]) -> Iterator[int]:
        """Copy rows that lie in order, as many as a batch has, to a buffer that is used again."""
        size = design.batch_size
        targets = [np.empty_like(one[:size]) for one in self._in_order]
        starts = len(self._in_order[0]) - size + 1
        for i in range(0, len(order), size):
            first = i % starts
            for source, target in zip(self._in_order, targets, strict=True):
                np.copyto(target, source[first : first + size])
            yield size

    def _read(self, design: Design, order: NDArray[np.int64]) -> Iterator[int]:
        files = FilePerImage(self._folder, order, len(self._arrays))
        loaded: Iterable[list[Tensor]] = DataLoader(
            files, batch_size=design.batch_size, num_workers=design.workers
        )
        yield from (len(batch[0]) for batch in loaded)


def _row(found: Sequence[Mapping[Design, Pace]], design: Design) -> tuple[object, ...]:
    rate = rates_of(found, design)
    busy = Spread.of(one[design].processor_ms for one in found).median
    start_s = Spread.of(one[design].start_s for one in found).median
    share = share_of(found, design, Design("memcpy", design.batch_size))
    named = (design.name, design.batch_size, design.prefetch, design.workers)
    return *named, rate.median, rate.least, rate.greatest, busy, share, start_s


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch use one thread, as training does by default."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
