"""Tasks of unlike length, each begun as soon as a worker is free for it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from selfsame.parallel.backends import Pool

Item = TypeVar("Item")
Made = TypeVar("Made")


@contextmanager
def dispatched(
    pool: Pool, workers: int, task: Callable[[Item], Made], items: Sequence[Item]
) -> Iterator[Iterator[Made]]:
    """Do a task with each item, the next one as soon as any worker is done with its last.

    To hand over `Pool.ahead` tasks keeps workers busy with short ones of one length. Of long ones some would
    wait behind the task of one worker while another has none.

    Args:
        pool: of processes, see `open_processes`.
        workers: how many there are.
        task: what is done; it travels to the workers, and so do the items.
        items: in the order in which they are begun.

    Yields:
        The results, in the order of the items; where a task failed, its error is raised. After a failure, and
        once the context is left, no other task is begun; those at hand go on as long as the pool is open.
    """
    threads, last = ThreadPoolExecutor(workers), len(items)

    def work(i: int) -> Made:
        nonlocal last
        if i > last:  # nobody asks for what comes after a failure
            raise CancelledError
        try:
            return pool.submit(task, items[i])()
        except BaseException:
            last = min(last, i)
            raise

    futures = [threads.submit(work, i) for i in range(len(items))]
    try:
        yield (future.result() for future in futures)
    finally:
        last = -1
        threads.shutdown(wait=False, cancel_futures=True)
