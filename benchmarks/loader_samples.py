"""What the benchmarks of the loader share: made-up samples, their shuffled batches, plain copies of them."""

import math
import mmap
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np

from rounds import Cost, processor_s
from selfsame.learning.loading.batches import PlanStep
from selfsame.shards.arrays import ShardedArrays

SIZES = {"default": ((48, 256), (48, 256), (96, 96)), "224": ((224, 224),) * 3}
SHARD_ROWS = 64
LARGE_PAGE = 2**21
BATCH = 64
RING = 3
"""Buffers that a loader with two batches ahead fills in turn."""

Pixels = Sequence[np.ndarray]


def drain(design: Callable[[], Iterable[object]]) -> Callable[[], Cost]:
    """Run an epoch that does not count, and then one that does.

    The kernel takes the pages of files back while other designs run.
    """

    def run() -> Cost:
        for _ in design():
            pass
        began, busy = perf_counter(), processor_s()
        for _ in design():
            pass
        return Cost(perf_counter() - began, processor_s() - busy)

    return run


def write_shards(folder: Path, samples: int, sizes: Sequence[tuple[int, int]]) -> list[ShardedArrays]:
    """Write random captures of each modality as shards, and map them."""
    rng = np.random.default_rng(0)
    return [write_modality(folder / f"arrays{m}", samples, size, rng) for m, size in enumerate(sizes)]


def write_modality(
    folder: Path, samples: int, size: tuple[int, int], rng: np.random.Generator
) -> ShardedArrays:
    folder.mkdir()
    shards = {}
    for first in range(0, samples, SHARD_ROWS):
        path = folder / f"{first:08}.npy"
        shape = (min(SHARD_ROWS, samples - first), 2, *size)
        np.save(path, rng.integers(0, 256, shape, dtype=np.uint8))
        shards[path.stem] = np.load(path, mmap_mode="r")
    return ShardedArrays(shards)


def plan_epoch(samples: int, modalities: int, batch: int = BATCH) -> list[PlanStep]:
    """Cut one true permutation of the samples into batches."""
    order = np.random.default_rng(1).permutation(samples)
    rows = np.repeat(order[:, None], modalities, axis=1)
    return [PlanStep(rows[i : i + batch], order[i : i + batch]) for i in range(0, samples, batch)]


def copy_rows(arrays: Sequence[ShardedArrays]) -> list[np.ndarray]:
    """Copy arrays to memory in large pages, as (rows, bytes a row), one a modality."""
    rows = [allocate_large((len(one), math.prod(one.shape[1:]))) for one in arrays]
    for copy, one in zip(rows, arrays, strict=True):
        np.concatenate([shard.reshape(len(shard), -1) for shard in one.shards], out=copy)
    return rows


def allocate_large(shape: tuple[int, ...]) -> np.ndarray:
    """Allocate memory that begins on a large page and lies in such where the kernel has some."""
    count = math.prod(shape)
    memory = mmap.mmap(-1, count + LARGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    pixels = np.frombuffer(memory, dtype=np.uint8)
    first = -pixels.ctypes.data % LARGE_PAGE
    return pixels[first : first + count].reshape(shape)


def make_ring(memory: Pixels, count: int, *, past_page: int = 0) -> list[list[np.ndarray]]:
    """Make buffers of a batch each, which begin so many bytes past the beginning of a page."""
    widths = [one.shape[1] for one in memory]
    whole = [allocate_large((BATCH * sum(widths) + past_page,))[past_page:] for _ in range(count)]
    ends = np.cumsum([0, *widths]) * BATCH
    return [[one[first:last].reshape(BATCH, -1) for first, last in pairwise(ends)] for one in whole]


def copy_in_order(memory: Pixels, first: int, ring: Sequence[Pixels]) -> Pixels:
    """Copy the rows of a batch that lie one behind the other."""
    targets = ring[first // BATCH % len(ring)]
    for source, target in zip(memory, targets, strict=True):
        rows = source[first : first + BATCH]
        np.copyto(target[: len(rows)], rows)
    return targets


def copy_shuffled(memory: Pixels, order: np.ndarray, first: int, ring: Sequence[Pixels]) -> Pixels:
    """Copy the rows of a shuffled batch."""
    targets, rows = ring[first // BATCH % len(ring)], order[first : first + BATCH]
    for source, target in zip(memory, targets, strict=True):
        np.take(source, rows, axis=0, out=target[: len(rows)], mode="clip")
    return targets


def copy_all(copy: Callable[[int], object], samples: int) -> Callable[[], Iterator[object]]:
    """Copy every batch of an epoch, one after the other."""

    def run() -> Iterator[object]:
        return map(copy, range(0, samples, BATCH))

    return run


def copy_in_threads(
    copy: Callable[[int, Sequence[Pixels]], object], rings: Sequence[Sequence[Pixels]], samples: int
) -> Callable[[], Iterator[object]]:
    """Copy every batch of an epoch, in as many threads as there are rings, each to a ring of its own."""
    starts = range(0, samples, BATCH)

    def work(k: int) -> None:
        for first in starts[k :: len(rings)]:
            copy(first, rings[k])

    def run() -> Iterator[object]:
        with ThreadPoolExecutor(len(rings)) as pool:
            yield from pool.map(work, range(len(rings)))

    return run
