"""The whole set of arrays on the device, and batches picked there."""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from selfsame.learning.loading.batches import Batch, BatchPlan
from selfsame.learning.training.sampling import ABSENT
from selfsame.shards.arrays import ShardedArrays

COPIED_ROWS = 256
"""At a time, so that the copy needs hardly any memory of the host."""


class ResidentArrays:
    """A copy of the arrays of all modalities in the memory of a device, made when it is first read.

    Args:
        arrays: of each modality.
        device: where the copy is; `cuda` is the device that is current when it is made.
    """

    def __init__(self, arrays: Sequence[ShardedArrays], device: str) -> None:
        self.arrays = tuple(arrays)
        self.device = torch.device(device)

    @cached_property
    def images(self) -> tuple[Tensor, ...]:
        """Of each modality (rows + 1, 2, height, width) uint8; the last row is zeros, as row -1 asks for."""
        return tuple(self._copy(one) for one in self.arrays)

    def _copy(self, arrays: ShardedArrays) -> Tensor:
        copy = torch.zeros((len(arrays) + 1, *arrays.shape[1:]), dtype=torch.uint8, device=self.device)
        for first in range(0, len(arrays), COPIED_ROWS):
            rows = np.arange(first, min(first + COPIED_ROWS, len(arrays)))
            copy[first : first + len(rows)] = torch.from_numpy(arrays.gather(rows))
        return copy


class ResidentLoader:
    """Iterate over the batches of a plan, picked on the device; only rows and labels are sent there.

    Args:
        resident: the arrays.
        plan: the batches.
    """

    def __init__(self, resident: ResidentArrays, plan: BatchPlan) -> None:
        self._resident = resident
        self._plan = plan

    def __len__(self) -> int:
        return len(self._plan)

    def __iter__(self) -> Iterator[Batch]:
        for step in self._plan:
            columns = [one.require_rows(step.rows[:, k]) for k, one in enumerate(self._resident.arrays)]
            rows = self._send(np.stack(columns, axis=0))
            yield Batch(
                tuple(
                    images.index_select(0, torch.where(wanted == ABSENT, len(images) - 1, wanted))
                    for images, wanted in zip(self._resident.images, rows, strict=True)
                ),
                (rows != ABSENT).T.contiguous(),
                self._send(step.labels),
            )

    def _send(self, values: np.ndarray) -> Tensor:
        """Begin to copy a small array to the device."""
        tensor = torch.from_numpy(values.astype(np.int64))
        if self._resident.device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self._resident.device, non_blocking=True)
