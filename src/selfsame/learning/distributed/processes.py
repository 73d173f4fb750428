"""The processes of one training: which one this is, how they connect, and what they exchange."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
from torch import Tensor, distributed

from selfsame.errors import InputError, SelfsameError
from selfsame.learning.training.regimen import DeviceCount

logger = logging.getLogger(__name__)

WAIT = timedelta(minutes=10)
"""How long a process waits for the others, which may be writing or compiling; a lost one shows at once."""

BACKENDS = {"cpu": "gloo", "cuda": "nccl"}


class LostProcessError(SelfsameError):
    """Another process of the same training is gone: run again, to go on from the last checkpoint."""


@dataclass(frozen=True)
class Member:
    """One of the processes of a training.

    Attributes:
        rank: its number among all, from 0; the first one writes.
        world: how many there are.
        local_rank: its number among those of this machine.
        local_world: how many there are on this machine.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def add_up(self, numbers: Tensor) -> Tensor:
        """Add the numbers of all processes; each of them has to call this, and gets the sums."""
        if self.world == 1:
            return numbers
        sums = numbers.clone()
        distributed.all_reduce(sums)
        return sums

    def share(self, message: bytes, device: str) -> bytes:
        """Give every process the first one's message; each of them has to call this."""
        if self.world == 1:
            return message
        size = torch.tensor([len(message)], device=device)
        distributed.broadcast(size, src=0)
        letters = torch.frombuffer(bytearray(message or b"\0"), dtype=torch.uint8).to(device)
        content = letters if self.first else torch.empty(max(int(size), 1), dtype=torch.uint8, device=device)
        distributed.broadcast(content, src=0)
        return content.cpu().numpy().tobytes()[: int(size)]


def count_processes(wanted: DeviceCount, device: str) -> int:
    """Say how many processes to train in: `auto` is one a CUDA device, and one where there is none.

    Raises:
        InputError: there are fewer CUDA devices than are asked for.
    """
    found = torch.cuda.device_count() if device == "cuda" else 1
    if wanted == "auto":
        return found
    if device == "cuda" and wanted > found:
        raise InputError(
            f"expected {wanted} CUDA devices, got {found} that torch sees: lower training.devices, or set it "
            "to auto"
        )
    return wanted


def find_member() -> Member | None:
    """Say which process of a training this is, as torchrun or `launch` set it; None if neither did."""
    found = os.environ
    if "RANK" not in found or "WORLD_SIZE" not in found:
        return None
    rank, world = int(found["RANK"]), int(found["WORLD_SIZE"])
    return Member(rank, world, int(found.get("LOCAL_RANK", rank)), int(found.get("LOCAL_WORLD_SIZE", world)))


@contextmanager
def joined(member: Member, device: str, meeting: Path | None = None) -> Iterator[None]:
    """Connect to the other processes, unless this was done before; say in one line if one of them is lost.

    Args:
        member: this process.
        device: cpu or cuda.
        meeting: a file by which the processes of one machine find each other; without it, torchrun's
            environment variables say how.

    Raises:
        LostProcessError: another process is gone, or did not come.
    """
    if device == "cuda":
        torch.cuda.set_device(member.local_rank)
    try:
        if member.world > 1 and not distributed.is_initialized():
            distributed.init_process_group(
                BACKENDS[device],
                init_method=f"file://{meeting}" if meeting else "env://",
                rank=member.rank,
                world_size=member.world,
                timeout=WAIT,
            )
        yield
    except RuntimeError as error:
        if member.world == 1 or not _is_about_connections(error):
            raise
        raise LostProcessError(
            f"expected {member.world} processes to train to the end, but number {member.rank} lost another "
            f"one ({str(error).splitlines()[0][:120]}): run the same command again to go on from the last "
            "checkpoint"
        ) from error


def _is_about_connections(error: RuntimeError) -> bool:
    """Whether an error is one of the communication: torch has a class of its own only for some of them."""
    text = str(error).lower()
    return isinstance(error, distributed.DistError) or any(
        word in text for word in ("gloo", "nccl", "connection closed", "connection reset", "timed out")
    )
