"""Batches of uint8 pixels, gathered from memory-mapped shards into reused buffers ahead of the loop."""

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
    the next batch. Copies to a CUDA device that were begun before that are waited for.

    Args:
        arrays: of each modality, in the order of the plan's columns.
        plan: the batches.
        prefetch: how many batches are gathered ahead, at least 1.
        pin: whether the buffers are page-locked, for copies to a CUDA device that do not wait.
    """

    def __init__(self, arrays: Sequence[ShardedArrays], plan: BatchPlan, *, prefetch: int, pin: bool) -> None:
        if prefetch < 1:
            raise ValueError(f"expected prefetch of 1 batch or more, got {prefetch}")
        self._arrays = tuple(arrays)
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
        ring += [_Buffers(self._arrays, self._pin) for _ in range(self._prefetch + 1 - len(ring))]
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches")
        filling: deque[tuple[_Buffers, Future[Batch]]] = deque()
        try:
            for i, step in enumerate(self._plan):
                buffers = ring[i % len(ring)]
                filling.append((buffers, pool.submit(buffers.fill, step)))
                if len(filling) > self._prefetch:
                    yield from _hand_out(*filling.popleft())
            while filling:
                yield from _hand_out(*filling.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            self._idle = ring


def _hand_out(buffers: "_Buffers", filled: "Future[Batch]") -> Iterator[Batch]:
    """Give a batch to the loop; once it asks for the next, mark where the device's use of this one ends."""
    yield filled.result()
    buffers.release()


class _Buffers:
    """Memory for one batch, grown to the largest batch seen."""

    def __init__(self, arrays: Sequence[ShardedArrays], pin: bool) -> None:
        self._arrays = arrays
        self._pin = pin
        self._images = [torch.empty((0, *one.shape[1:]), dtype=torch.uint8) for one in arrays]
        self._used = torch.cuda.Event() if pin else None

    def fill(self, step: PlanStep) -> Batch:
        """Gather the rows of a step, once the device has finished with what the buffers held."""
        if self._used is not None:
            self._used.synchronize()
        count, modalities = step.rows.shape
        if modalities != len(self._arrays):
            raise ValueError(f"expected rows of {len(self._arrays)} modalities in the plan, got {modalities}")
        for k, arrays in enumerate(self._arrays):
            if len(self._images[k]) < count:
                self._images[k] = torch.empty(
                    (count, *arrays.shape[1:]), dtype=torch.uint8, pin_memory=self._pin
                )
            arrays.gather(step.rows[:, k], out=self._images[k][:count].numpy())
        return Batch(
            tuple(images[:count] for images in self._images),
            torch.from_numpy(step.rows != ABSENT),
            torch.from_numpy(step.labels.astype(np.int64)),
        )

    def release(self) -> None:
        """Mark the point in the device's work after which the buffers may be overwritten."""
        if self._used is not None:
            self._used.record()
