"""How much memory is free: of a CUDA device, and of the host within the limits of its control groups."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import torch

KIB = 1024


class _Accounts(NamedTuple):
    """The files in which a version of control groups keeps its accounts."""

    limit: str
    used: str
    cached: tuple[str, ...]


UNIFIED = _Accounts("memory.max", "memory.current", ("inactive_file", "active_file"))
"""Version 2; the lines of its memory.stat that tell of cached files, which make room when asked."""

DIVIDED = _Accounts(
    "memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file")
)
"""Version 1."""


def measure_free(place: Literal["cpu", "cuda"]) -> int | None:
    """Measure the memory in bytes that is free on a CUDA device, or on the host; None where none tells."""
    if place == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return measure_available(Path("/proc"), Path("/sys/fs/cgroup"))


def measure_available(proc: Path, groups: Path) -> int | None:
    """Measure the bytes of the host that this process may still take: cached files make room.

    Args:
        proc: the folder of Linux that tells of processes, /proc.
        groups: the folder of its control groups, /sys/fs/cgroup.
    """
    told = [_read_available(proc / "meminfo"), *_list_left(proc / "self" / "cgroup", groups)]
    known = [count for count in told if count is not None]
    return max(0, min(known)) if known else None


def _read_available(meminfo: Path) -> int | None:
    lines = _read(meminfo).splitlines()
    found = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return None if found is None else int(found) * KIB


def _list_left(membership: Path, groups: Path) -> Iterator[int | None]:
    """List what is left in every control group that this process is in, and in those around it."""
    for line in _read(membership).splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds and "memory" not in kinds.split(","):
            continue
        root, accounts = (groups / "memory", DIVIDED) if kinds else (groups, UNIFIED)
        inner = root / path.lstrip("/")
        for group in (inner, *inner.parents):
            if group.is_relative_to(root):
                yield _count_left(group, accounts)


def _count_left(group: Path, accounts: _Accounts) -> int | None:
    """Count what a group may still take; None where it has no limit or is not visible here."""
    limit, used = _read(group / accounts.limit).strip(), _read(group / accounts.used).strip()
    if not limit.isdigit() or not used.isdigit():
        return None
    numbers = dict(line.split(" ", 1) for line in _read(group / "memory.stat").splitlines())
    return int(limit) - int(used) + sum(int(numbers.get(name, 0)) for name in accounts.cached)


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii") if path.is_file() else ""
