"""Batches of uint8 pixels, gathered from memory-mapped shards into reused buffers ahead of the loop."""

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfsame.imaging.arrays import ShardedArrays
from selfsame.learning.gathering import RowGatherer

ABSENT = -1
"""The row of a modality that a presentation lacks."""


@dataclass(frozen=True)
class PlanStep:
    """What one batch consists of.

    Attributes:
        rows: (batch, modalities) int64, the global row of each presentation's capture in the arrays of each
            modality; -1 where the presentation lacks the modality.
        labels: (batch,) int64, what the loss learns from.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]


class BatchPlan(Protocol):
    """The batches of one epoch, in order. Iterating again may give another epoch."""

    def __len__(self) -> int:
        """Count the batches."""
        ...

    def __iter__(self) -> Iterator[PlanStep]:
        """Start an epoch."""
        ...


@dataclass(frozen=True)
class Batch:
    """One batch of presentations.

    Attributes:
        images: one tensor a modality, (batch, 2, height, width) uint8: image and mask; zeros where absent.
        present: (batch, modalities) bool, which modalities each presentation has.
        labels: (batch,) int64.
    """

    images: tuple[Tensor, ...]
    present: Tensor
    labels: Tensor

    def to(self, device: torch.device | str) -> "Batch":
        """Copy the batch to a device; from pinned memory without waiting for the copy."""
        return Batch(
            tuple(images.to(device, non_blocking=True) for images in self.images),
            self.present.to(device, non_blocking=True),
            self.labels.to(device, non_blocking=True),
        )

    def __len__(self) -> int:
        return len(self.labels)


class BatchLoader:
    """Iterate over the batches of a plan; one thread gathers ahead of the loop.

    The tensors of a batch are views of buffers that are filled again: they are valid until the loop asks for
    the next batch. Copies to a CUDA device that were begun before that, in the stream that is current when it
    asks, are waited for.

    Once a batch had to be read from the disk, the rows of the later ones of the epoch are announced to the
    kernel, so that they, and no more than they, are read all at once rather than one after the other.

    Args:
        arrays: of each modality, in the order of the plan's columns.
        plan: the batches.
        prefetch: how many batches are gathered ahead, at least 1.
        pin: whether the memory of batches is page-locked, for copies to a CUDA device that do not wait.
    """

    def __init__(self, arrays: Sequence[ShardedArrays], plan: BatchPlan, *, prefetch: int, pin: bool) -> None:
        if prefetch < 1:
            raise ValueError(f"expected prefetch of 1 batch or more, got {prefetch}")
        self._gatherers = tuple(RowGatherer(one) for one in arrays)
        self._shapes = tuple(one.shape[1:] for one in arrays)
        self._plan = plan
        self._prefetch = prefetch
        self._pin = pin
        self._idle: list[_Buffers] = []

    def __len__(self) -> int:
        return len(self._plan)

    def __iter__(self) -> Iterator[Batch]:
        # While the loop holds one batch, `prefetch` more are being filled. The buffers outlive the epoch,
        # because fresh memory costs more than the gathering; two epochs at once get buffers of their own.
        ring, self._idle = self._idle, []
        ring += [_Buffers(self._shapes, self._pin) for _ in range(self._prefetch + 1 - len(ring))]
        pool = _start_thread()
        reader = _Reader(self._gatherers)
        filling: deque[tuple[_Buffers, Future[Batch]]] = deque()
        try:
            for i, step in enumerate(self._plan):
                buffers = ring[i % len(ring)]
                reader.expect(step)
                filling.append((buffers, pool.submit(reader.fill, buffers, step)))
                if len(filling) > self._prefetch:
                    yield from _hand_out(*filling.popleft())
            while filling:
                yield from _hand_out(*filling.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            reader.close()
            self._idle = ring


def _start_thread() -> ThreadPoolExecutor:
    """Start the thread that gathers; torch works in it alone, whatever the threads of the loop.

    A team of torch's threads would meet after every row. The number of a thread is settled when it is first
    asked for, as the one that was set last by any thread; so the loop's is set again after that.
    """
    of_the_loop = torch.get_num_threads()
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches")
    pool.submit(_work_alone).result()
    torch.set_num_threads(of_the_loop)
    return pool


def _work_alone() -> int:
    torch.set_num_threads(1)
    return torch.get_num_threads()


def _hand_out(buffers: "_Buffers", filled: "Future[Batch]") -> Iterator[Batch]:
    """Give a batch to the loop; once it asks for the next, mark where the device's use of this one ends."""
    try:
        yield filled.result()
    finally:
        buffers.release()


class _Reader:
    """Fills the batches of one epoch, and notices whether they come from the disk."""

    def __init__(self, gatherers: Sequence[RowGatherer]) -> None:
        self._gatherers = gatherers
        self._from_disk = False
        self._coming: deque[PlanStep] = deque()

    def expect(self, step: PlanStep) -> None:
        """Take note of a step that will be filled, in order."""
        self._coming.append(step)

    def fill(self, buffers: "_Buffers", step: PlanStep) -> Batch:
        """Gather the rows of a step, once the device has finished with what the buffers held."""
        count, modalities = step.rows.shape
        if modalities != len(self._gatherers):
            raise ValueError(
                f"expected rows of {len(self._gatherers)} modalities in the plan, got {modalities}"
            )
        self._announce()
        columns = np.ascontiguousarray(step.rows.T)
        images = buffers.take(count)
        waits = _count_waits()
        for gatherer, rows, out in zip(self._gatherers, columns, images, strict=True):
            gatherer.gather(rows, out)
        if self._from_disk:
            for gatherer, rows in zip(self._gatherers, columns, strict=True):
                gatherer.leave(rows)
        elif _count_waits() > waits:
            self._set_from_disk(from_disk=True)
        return Batch(images, buffers.hold(step.rows != ABSENT), buffers.hold(step.labels.astype(np.int64)))

    def close(self) -> None:
        """End the epoch: the kernel reads as usual again."""
        if self._from_disk:
            self._set_from_disk(from_disk=False)

    def _set_from_disk(self, *, from_disk: bool) -> None:
        self._from_disk = from_disk
        for gatherer in self._gatherers:
            gatherer.read_exactly(exactly=from_disk)

    def _announce(self) -> None:
        """Announce all steps that are due, so that the disk reads the next ones while this one is copied."""
        while self._coming:
            step = self._coming.popleft()
            if self._from_disk:
                for k, gatherer in enumerate(self._gatherers):
                    gatherer.announce(step.rows[:, k])


def _count_waits() -> int:
    """Count how often this thread had to wait for a page to be read from the disk.

    Linux alone counts them by thread. Elsewhere none are seen, and the kernel's own reading ahead is kept.
    """
    if sys.platform != "linux":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_THREAD).ru_majflt


class _Buffers:
    """Memory for one batch, grown to the largest batch seen."""

    def __init__(self, shapes: Sequence[tuple[int, ...]], pin: bool) -> None:
        self._pin = pin
        self._images = [torch.empty((0, *shape), dtype=torch.uint8) for shape in shapes]
        self._used = torch.cuda.Event() if pin else None

    def take(self, count: int) -> tuple[Tensor, ...]:
        """Lend memory for a number of presentations, once the device has finished with what it held."""
        if self._used is not None:
            self._used.synchronize()
        for k, images in enumerate(self._images):
            if len(images) < count:
                self._images[k] = torch.empty(
                    (count, *images.shape[1:]), dtype=torch.uint8, pin_memory=self._pin
                )
        return tuple(images[:count] for images in self._images)

    def hold(self, values: NDArray[np.bool_] | NDArray[np.int64]) -> Tensor:
        """Make a small array a tensor, page-locked where the images are."""
        tensor = torch.from_numpy(values)
        return tensor.pin_memory() if self._pin else tensor

    def release(self) -> None:
        """Mark the point in the device's work after which the buffers may be overwritten."""
        if self._used is not None:
            self._used.record()
