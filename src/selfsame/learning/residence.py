"""Where the arrays of a training live: memory-mapped, in the memory of the host, or on the device."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from selfsame.imaging.arrays import ShardedArrays
from selfsame.learning.batches import BatchLoader, BatchPlan
from selfsame.learning.free_memory import measure_free
from selfsame.learning.large_pages import allocate_pixels
from selfsame.learning.prefetching import DevicePrefetcher
from selfsame.learning.regimen import Regimen, Residence
from selfsame.learning.resident import ResidentArrays, ResidentLoader

logger = logging.getLogger(__name__)

MIB = 2**20

Loader = BatchLoader | DevicePrefetcher | ResidentLoader


@dataclass(frozen=True)
class Room:
    """Memory that arrays may be copied to.

    Attributes:
        free: bytes; None where they are not known.
        share: of them that the arrays may take.
    """

    free: int | None
    share: float

    def holds(self, needed: int) -> bool:
        """Tell whether arrays of so many bytes may be copied there."""
        return self.free is not None and needed <= self.share * self.free

    def __str__(self) -> str:
        if self.free is None:
            return "what is free, which the system does not tell"
        return f"{self.share:.0%} of the {self.free / MIB:,.0f} MiB that are free"


class TrainingArrays:
    """The arrays of a training, wherever they live, and loaders of them.

    Args:
        arrays: of each modality, in the order of the plans' columns.
        regimen: `residence`, `resident_share`, `memory_share` and `prefetch` of the run.
        device: that trains, `cpu` or `cuda`.
        processes: that train on this machine, each of which may copy the arrays to the memory of the host.
    """

    def __init__(
        self,
        arrays: Sequence[ShardedArrays],
        regimen: Regimen,
        device: str,
        processes: int = 1,
    ) -> None:
        self._prefetch = regimen.prefetch
        self._device = device
        residence = choose_residence(
            regimen.residence,
            sum(math.prod(one.shape) for one in arrays),
            device=Room(measure_free("cuda"), regimen.resident_share) if device == "cuda" else None,
            host=Room(measure_free("cpu"), regimen.memory_share / processes),
        )
        self._arrays = tuple(map(copy_to_memory, arrays)) if residence == "memory" else tuple(arrays)
        self._resident = ResidentArrays(arrays, device) if residence == "device" else None

    def load(self, plan: BatchPlan) -> Loader:
        """Make a loader of the batches of a plan."""
        if self._resident is not None:
            return ResidentLoader(self._resident, plan)
        loader = BatchLoader(self._arrays, plan, prefetch=self._prefetch, pin=self._device == "cuda")
        return DevicePrefetcher(loader) if self._device == "cuda" else loader


def copy_to_memory(arrays: ShardedArrays) -> ShardedArrays:
    """Copy arrays to the memory of the host, as one shard with the same global rows."""
    pixels = allocate_pixels(arrays.shape)
    np.concatenate(arrays.shards, out=pixels)
    return ShardedArrays({"memory": pixels})


def choose_residence(
    wanted: Residence, needed: int, *, device: Room | None, host: Room
) -> Literal["host", "memory", "device"]:
    """Resolve `auto`, and say in one line what was chosen and why.

    Args:
        wanted: what the settings ask for.
        needed: bytes of all arrays.
        device: the memory of the CUDA device, None where the device is the CPU.
        host: the memory of the host.
    """
    size = f"training: arrays of {needed / MIB:,.0f} MiB"
    if wanted != "auto":
        logger.info("%s, residence: %s, as the settings ask", size, wanted)
        return wanted
    if device and device.holds(needed):
        logger.info("%s, residence: device, because they take at most %s on it", size, device)
        return "device"
    if host.holds(needed):
        logger.info("%s, residence: memory, because they take at most %s on the host", size, host)
        return "memory"
    logger.info("%s, residence: host (memory-mapped), because they take more than %s there", size, host)
    return "host"
