"""Where the arrays of a training live: memory-mapped on the host, or copied to the device."""

import logging
import math
from collections.abc import Sequence
from typing import Literal

import torch

from selfsame.learning.loading.batches import BatchLoader, BatchPlan
from selfsame.learning.loading.prefetching import DevicePrefetcher
from selfsame.learning.loading.resident import ResidentArrays, ResidentLoader
from selfsame.learning.training.regimen import Regimen, Residence
from selfsame.shards.arrays import ShardedArrays

logger = logging.getLogger(__name__)

MIB = 2**20

Loader = BatchLoader | DevicePrefetcher | ResidentLoader


class TrainingArrays:
    """The arrays of a training, wherever they live, and loaders of them.

    Args:
        arrays: of each modality, in the order of the plans' columns.
        regimen: `residence`, `resident_share` and `prefetch` of the run.
        device: that trains, `cpu` or `cuda`.
    """

    def __init__(self, arrays: Sequence[ShardedArrays], regimen: Regimen, device: str) -> None:
        self._prefetch = regimen.prefetch
        self._device = device
        needed = sum(math.prod(one.shape) for one in arrays)
        residence = choose_residence(
            regimen.residence, needed, share=regimen.resident_share, free=measure_free(device)
        )
        self._arrays = tuple(arrays)
        self._resident = ResidentArrays(arrays, device) if residence == "device" else None

    def load(self, plan: BatchPlan) -> Loader:
        """Make a loader of the batches of a plan."""
        if self._resident is not None:
            return ResidentLoader(self._resident, plan)
        loader = BatchLoader(self._arrays, plan, prefetch=self._prefetch, pin=self._device == "cuda")
        return DevicePrefetcher(loader) if self._device == "cuda" else loader


def measure_free(device: str) -> int | None:
    """Measure the free memory of a CUDA device in bytes; None of a CPU, which shares the host's."""
    return int(torch.cuda.mem_get_info()[0]) if device == "cuda" else None


def choose_residence(
    wanted: Residence, needed: int, *, share: float, free: int | None
) -> Literal["host", "device"]:
    """Resolve `auto`, and say in one line what was chosen and why.

    Args:
        wanted: what the settings ask for.
        needed: bytes of all arrays.
        share: of the free memory of the device that they may take.
        free: bytes, or None where the device is the CPU.
    """
    size = f"training: arrays of {needed / MIB:,.0f} MiB"
    if wanted != "auto":
        logger.info("%s, residence: %s, as the settings ask", size, wanted)
        return wanted
    if free is None:
        logger.info("%s, residence: host (memory-mapped), because the device is the CPU", size)
        return "host"
    limit = f"{share:.0%} of the {free / MIB:,.0f} MiB that are free on the device"
    if needed <= share * free:
        logger.info("%s, residence: device, because they take at most %s", size, limit)
        return "device"
    logger.info("%s, residence: host (memory-mapped), because they take more than %s", size, limit)
    return "host"
