"""Tasks shared out among processes, whose results come back in the order of the tasks."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from selfsame.parallel.backends import WorkerDiedError, open_processes

EVERY_CORE = -1

Made = TypeVar("Made")


def share_out(tasks: Iterable[Callable[[], Made]], *, count: int, workers: int, what: str) -> Iterator[Made]:
    """Run tasks and give their results in order; few tasks and few results are held at a time.

    Args:
        tasks: what to run; they are asked for as workers come free.
        count: how many there are.
        workers: processes; 1: none but this, -1: as many as there are cores.
        what: the tasks make, for the message when a process dies.

    Raises:
        WorkerDiedError: the process that worked on a task has died.
    """
    from joblib import cpu_count

    workers = min(cpu_count() if workers == EVERY_CORE else workers, count)
    if workers <= 1:
        for task in tasks:
            yield task()
        return
    waiting: deque[Callable[[], Made]] = deque()
    with open_processes(workers) as pool:
        for task in tasks:
            if len(waiting) == pool.ahead:
                yield _take(waiting.popleft(), what)
            waiting.append(pool.submit(_run, task))
        while waiting:
            yield _take(waiting.popleft(), what)


def _take(wait: Callable[[], Made], what: str) -> Made:
    try:
        return wait()
    except WorkerDiedError as error:
        raise WorkerDiedError(
            f"expected {what}, but a process that worked on them has died: run again; where memory is short, "
            "lower comparison.workers"
        ) from error


def _run(task: Callable[[], Made]) -> Made:
    """Run a task in a process that shares the cores with others."""
    import cv2

    cv2.setNumThreads(1)
    return task()
