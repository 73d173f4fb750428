"""Shards made by many workers, in order and in bounded memory, also where workers die of a capture."""

import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from selfsame.parallel.backends import (
    Backend,
    Pool,
    Submit,
    WorkerDiedError,
    open_pool,
    open_processes,
    require_backend,
)
from selfsame.parallel.progress import follow
from selfsame.shards.arrays import Shard
from selfsame.shards.making import (
    WORKER_DIED,
    Reader,
    Recipe,
    ShardWriter,
    fail_shard,
    join_shards,
    make_shard,
)
from selfsame.shards.planning import PlannedShard
from selfsame.shards.toolchain import describe_toolchain, require_toolchain

logger = logging.getLogger(__name__)

TOO_MANY = 8
"""Where so many captures of one shard, and all of them, end their workers, it is no fault of the files."""


def make_shards(
    plan: Sequence[PlannedShard],
    made: Collection[str],
    source: Reader,
    recipe: Recipe,
    *,
    backend: Backend,
    workers: int,
    address: str | None = None,
    writer: ShardWriter | None = None,
) -> Iterator[Shard | str]:
    """Give the names of the shards that are made already, then make the others and give them in order.

    Worker processes put their shards where they belong, if the writer reaches so far, and the names of these
    come back: pixels do not travel. Other shards come back themselves, for whoever takes them to write.

    The pixels are the same for every backend and number of workers. A capture whose worker process dies, and
    dies again when it has a process of its own, becomes an entry with the reason `worker_died`; the threads
    and the one process of `threading` and `sequential` cannot be outlived.

    Args:
        plan: all shards.
        made: names of those that are made already.
        source: of the captures; other machines read through it too.
        recipe: from a capture to a row.
        backend: where the work is done.
        workers: how many, -1 for as many as there are cores.
        address: of a running cluster, or None (see `open_pool`).
        writer: of shards; None where all of them are to come back.

    Raises:
        InputError: the backend is not installed, no cluster answers at the address, its machines have another
            version of the project, or a worker cannot write.
        WorkerDiedError: workers die whatever they are given.
    """
    missing = [shard for shard in plan if shard.name not in made]
    if missing:
        require_backend(backend)
    names = [shard.name for shard in plan if shard.name in made]
    task = _Task(
        source,
        recipe,
        writer if writer and reaches(writer, backend, address) else None,
        None if address is None else describe_toolchain(),
    )
    return _make_missing(names, missing, task, partial(open_pool, backend, workers, address))


def reaches(writer: ShardWriter, backend: Backend, address: str | None) -> bool:
    """Tell whether workers shall write; threads leave it to who takes the shards while they make the next."""
    if backend in ("sequential", "threading"):
        return False
    return writer.reach == "anywhere" or (writer.reach == "machine" and address is None)


@dataclass(frozen=True)
class _Task:
    """Making a shard, and writing it where there is a writer; it travels to the workers.

    Those on other machines make the pixels of this one, or refuse: they are told its toolchain.
    """

    source: Reader
    recipe: Recipe
    writer: ShardWriter | None
    toolchain: str | None

    def __call__(self, planned: PlannedShard) -> "_Made":
        if self.toolchain is not None:
            require_toolchain(self.toolchain)
        return self.finish(_make_alone(planned, self.source, self.recipe))

    def finish(self, shard: Shard) -> "_Made":
        """Write a shard, or hand it on."""
        reasons = Counter(entry.reason for entry in shard.record.entries if entry.reason)
        if self.writer is None:
            return _Made(shard, reasons)
        self.writer.deliver(shard)
        return _Made(shard.name, reasons)


class _Made(NamedTuple):
    """A shard, or the name of one that is written, and how often what befell its captures."""

    shard: Shard | str
    reasons: Counter[str]


def _make_missing(
    names: Sequence[str],
    missing: Sequence[PlannedShard],
    task: _Task,
    open_workers: Callable[[int], AbstractContextManager[Pool]],
) -> Iterator[Shard | str]:
    yield from names
    if not missing:
        return
    reasons: Counter[str] = Counter()
    with single_threads(), open_workers(len(missing)) as pool:
        results = _keep_ahead(missing, task, pool)
        for made in follow(results, "normalise", len(missing), "shard"):
            reasons.update(made.reasons)
            yield made.shard
    if reasons:
        logger.warning(
            "not normalised: %s", ", ".join(f"{n} {reason}" for reason, n in sorted(reasons.items()))
        )


def _keep_ahead(missing: Sequence[PlannedShard], task: _Task, pool: Pool) -> Iterator[_Made]:
    """Have at most `pool.ahead` shards in the making or waiting to be taken, whoever is slower."""
    waiting: deque[tuple[PlannedShard, Callable[[], _Made]]] = deque()
    planned = iter(missing)
    while True:
        for one in planned:
            waiting.append((one, pool.submit(task, one)))
            if len(waiting) >= pool.ahead:
                break
        if not waiting:
            return
        first, wait = waiting.popleft()
        try:
            made = wait()
        except WorkerDiedError:
            for _, other in waiting:  # so that the captures in question have the machine to themselves
                with suppress(WorkerDiedError):
                    other()
            made = task.finish(_make_apart(first, task))
        yield made


def _make_alone(planned: PlannedShard, source: Reader, recipe: Recipe) -> Shard:
    """Make a shard where other workers use the other cores."""
    _use_one_thread()
    return make_shard(planned, source, recipe)


@cache
def _use_one_thread() -> None:
    """Let OpenCV use one thread a call in this process; said once, since saying it takes milliseconds."""
    import cv2

    cv2.setNumThreads(1)


def _make_apart(planned: PlannedShard, task: _Task) -> Shard:
    """Make a shard capture by capture in a process of its own, which is replaced where it dies."""
    parts: list[Shard] = []
    died: list[str] = []
    with open_processes(1) as pool:
        for (capture_id, path), group in groupby(planned.impressions, key=attrgetter("capture_id", "path")):
            one = PlannedShard(planned.name, tuple(group))
            try:
                parts.append(pool.submit(_make_alone, one, task.source, task.recipe)())
            except WorkerDiedError:
                _require_living(pool.submit)
                died.append(capture_id)
                detail = f"expected a result for {path}, but the process that worked on it died, twice"
                parts.append(fail_shard(one, task.recipe, WORKER_DIED, detail))
    if len(died) == len(parts) >= TOO_MANY:
        raise WorkerDiedError(
            f"expected workers that outlive a capture, but they died of all {len(died)} of shard "
            f"{planned.name}: look for what kills them (memory, a broken library) and run again"
        )
    logger.warning(
        "shard %s: its worker died; made again capture by capture: %d of %d died again (%s)",
        planned.name,
        len(died),
        len(parts),
        ", ".join(died) or "passing",
    )
    return join_shards(planned.name, parts)


def _require_living(submit: Submit) -> None:
    """Check that a new process lives as long as nothing is asked of it."""
    try:
        submit(os.getpid)()
    except WorkerDiedError as error:
        raise WorkerDiedError(
            "expected a worker process to start, but it died at once: free memory and run again; finished "
            "shards are kept"
        ) from error


@contextmanager
def single_threads() -> Iterator[None]:
    """Let OpenCV use one thread a call: the workers divide the cores, more would only get in their way."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
