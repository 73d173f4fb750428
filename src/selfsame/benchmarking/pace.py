"""Pace: how fast work goes once it goes, and how long it takes to start."""

import os
import resource
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

PROCESSES = Path("/proc")
"""Where Linux lists processes; elsewhere the processor time of other processes is not known."""


@dataclass(frozen=True)
class Pace:
    """What one run of a design took.

    Attributes:
        items: that were made after the start.
        wall_s: seconds that passed meanwhile.
        processor_s: seconds of processors meanwhile, of this process and of those that it started; None where
            the system does not tell.
        start_s: seconds before it, less what was made in them: the start of workers.
    """

    items: int
    wall_s: float
    processor_s: float | None
    start_s: float

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.items / self.wall_s

    @property
    def processor_ms(self) -> float:
        """Milliseconds of processors an item, NaN where nobody knows."""
        return float("nan") if self.processor_s is None else 1000 * self.processor_s / self.items


def measure_pace(pieces: Iterable[int], *, warm: int, alone: bool) -> Pace:
    """Take all pieces of work; the clock starts when the first ones have come.

    Args:
        pieces: the number of items of each piece, given when it is done.
        warm: how many pieces belong to the start: one a worker.
        alone: whether this process does all the work.

    Raises:
        ValueError: there are no more pieces than that.
    """
    began, waiting = time.perf_counter(), iter(pieces)
    first = sum(islice(waiting, warm))
    started, busy = time.perf_counter(), processor_s(alone)
    items = sum(waiting)
    if not items:
        raise ValueError(f"expected more than {warm} pieces of work, got no more")
    wall_s, ended = time.perf_counter() - started, processor_s(alone)
    used = None if busy is None or ended is None else ended - busy
    return Pace(items, wall_s, used, max(started - began - first * wall_s / items, 0.0))


def processor_s(alone: bool) -> float | None:
    """Count the processor's seconds of this process and, unless it is alone, of all that it started."""
    if alone:
        return time.process_time()
    stated = _read_processes()
    if not stated:
        return None
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    children: dict[int, list[int]] = {}
    for process, (parent, _) in stated.items():
        children.setdefault(parent, []).append(process)
    below, found = [os.getpid()], time.process_time() + ended.ru_utime + ended.ru_stime
    while below:
        for child in children.get(below.pop(), ()):
            found += stated[child][1]
            below.append(child)
    return found


def _read_processes() -> dict[int, tuple[int, float]]:
    """Read parent and processor seconds of every process, as proc(5) lays them out."""
    found = {}
    for path in PROCESSES.glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        ticks = int(fields[11]) + int(fields[12])
        found[int(path.parent.name)] = (int(fields[1]), ticks / os.sysconf("SC_CLK_TCK"))
    return found
