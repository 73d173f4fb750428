"""Batches of uint8 pixels, gathered from memory-mapped shards into reused buffers ahead of the loop."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfsame.learning.loading.buffers import Buffers
from selfsame.learning.loading.filling import Filler, Filling
from selfsame.learning.loading.gathering import RowGatherer
from selfsame.learning.training.sampling import ABSENT
from selfsame.shards.arrays import ShardedArrays


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
    """Iterate over the batches of a plan, which are gathered ahead of the loop.

    The tensors of a batch are views of buffers that are filled again: they are valid until the loop asks for
    the next batch. Copies to a CUDA device that were begun before that, in the stream that is current when it
    asks, are waited for.

    Once rows had to be read from the disk, those of the later batches of the epoch are announced to the
    kernel: see `EpochReader`.

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
        self._idle: list[Buffers] = []

    def __len__(self) -> int:
        return len(self._plan)

    def __iter__(self) -> Iterator[Batch]:
        # While the loop holds one batch, `prefetch` more are being filled. The buffers outlive the epoch,
        # because fresh memory costs more than the gathering; two epochs at once get buffers of their own.
        ring, self._idle = self._idle, []
        try:
            ring += [Buffers(self._shapes, self._pin) for _ in range(self._prefetch + 1 - len(ring))]
            with closing(Filler(self._gatherers, ring, pin=self._pin)) as filler:
                yield from self._fill(filler)
        finally:
            self._idle = ring

    def _fill(self, filler: Filler) -> Iterator[Batch]:
        coming: deque[tuple[PlanStep, Filling]] = deque()
        for step in self._plan:
            self._require_modalities(step)
            coming.append((step, filler.begin(step.rows)))
            if len(coming) > self._prefetch:
                yield from _hand_out(filler, *coming.popleft())
        while coming:
            yield from _hand_out(filler, *coming.popleft())

    def _require_modalities(self, step: PlanStep) -> None:
        if step.rows.shape[1] != len(self._gatherers):
            raise ValueError(
                f"expected rows of {len(self._gatherers)} modalities in the plan, got {step.rows.shape[1]}"
            )


def _hand_out(filler: Filler, step: PlanStep, filling: Filling) -> Iterator[Batch]:
    """Give a batch to the loop; once it asks for the next, mark where the device's use of this one ends."""
    buffers, lent = filler.finish(filling)
    present, labels = buffers.hold(step.rows != ABSENT), buffers.hold(step.labels.astype(np.int64))
    try:
        yield Batch(lent.images, present, labels)
    finally:
        filler.give_back(buffers)
