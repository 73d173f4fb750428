"""A Dask cluster: whether it can take tasks, waiting for their results, and silence about what is raised."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from distributed import Client, Future

from selfsame.errors import InputError

PACKAGE = __name__.partition(".")[0]

LOOK_S = 5.0
"""How often a wait for a result looks whether anybody is left to give it."""


def wait_for_result(client: Client, future: Future, patience_s: float) -> object:
    """Wait for the result of a task, however long it takes, as long as there are workers.

    Args:
        client: of the cluster.
        future: the task.
        patience_s: how long to wait for new workers where all have left, in seconds.

    Raises:
        TimeoutError: no worker came.
    """
    alone_s = 0.0
    while alone_s < patience_s:
        try:
            result: object = future.result(timeout=LOOK_S)
        except TimeoutError:
            alone_s = 0.0 if client.nthreads() else alone_s + LOOK_S
        else:
            return result
    raise TimeoutError(f"no worker for {alone_s:.0f} s, after all had left")


def require_package(client: Client, address: str) -> None:
    """Check that scheduler and workers can read a task: a worker that cannot ends without a word.

    Raises:
        InputError: a process has no such package.
    """
    found = {"its scheduler": client.run_on_scheduler(find_spec, PACKAGE), **client.run(find_spec, PACKAGE)}
    without = [name for name, spec in found.items() if spec is None]
    if without:
        raise InputError(
            f"expected the package {PACKAGE} all over the dask cluster at {address}, but {len(without)} of "
            f"{len(found)} processes have none ({', '.join(without[:3])}): install it there, start them again"
        )


def explain_misreading(address: str | None, error: RuntimeError) -> InputError:
    """Explain the one error of this kind: tasks raise none, and Dask raises it where it cannot read one."""
    return InputError(
        f"expected a dask scheduler at {address} that reads tasks of this version of {PACKAGE}, got {error}: "
        "install the same version there, start it again with its workers, and run again"
    )


@contextmanager
def silenced(*names: str) -> Iterator[None]:
    """Let loggers say nothing for a while."""
    before = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
