"""Backends: where tasks run, in this process, in others on this machine, or on a cluster of machines.

Every backend is a `Pool`: tasks go in, and what waits for their results comes out. `joblib.Parallel` is not
used, nor its connections to Dask and Ray: it does not say which tasks a dead worker had, goes on working when
nobody takes its results, and on Ray gives them all at once.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, ParamSpec, Protocol, TypeVar, cast
from uuid import uuid4

from selfsame.errors import InputError, SelfsameError

if TYPE_CHECKING:
    from joblib.externals.loky import ProcessPoolExecutor

Backend = Literal["sequential", "threading", "loky", "dask", "ray"]

CLUSTERS = {"dask": "distributed", "ray": "ray"}
"""The backends that can be on other machines, and the package of each."""

CONNECT_S = 30
"""A scheduler that runs answers within a second; on a busy machine it takes several. Nor does a cluster whose
workers have all gone wait longer for others.
"""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Environment of worker processes: they divide the cores, more threads would only get in their way."""

Given = ParamSpec("Given")
Made = TypeVar("Made")


class WorkerDiedError(SelfsameError):
    """The process that worked on a task has ended, by a crash or by a kill of the system."""


class Submit(Protocol):
    """How a task is handed over."""

    def __call__(
        self, task: Callable[Given, Made], /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Callable[[], Made]:
        """Hand a task over; what comes back waits for its result, or raises `WorkerDiedError`."""
        ...


@dataclass(frozen=True)
class Pool:
    """Workers that are ready.

    Attributes:
        submit: how a task is handed over.
        ahead: how many tasks to keep handed over, so that no worker waits and few results do.
    """

    submit: Submit
    ahead: int


def require_backend(backend: Backend) -> None:
    """Check that what a backend needs is installed.

    Raises:
        InputError: how to install it.
    """
    package = CLUSTERS.get(backend)
    if package and find_spec(package) is None:
        raise InputError(
            f"expected the package {package} for the backend {backend}, found none: "
            f"pip install -e '.[{backend}]', or choose the backend loky"
        )


@contextmanager
def open_pool(backend: Backend, workers: int, address: str | None, tasks: int) -> Iterator[Pool]:
    """Open the workers of a backend, and close them at the end.

    Args:
        backend: which.
        workers: how many, -1 for as many as there are cores: of the cluster where there is an address.
        address: of a running cluster of Dask or Ray; None starts one on this machine, where it is needed.
        tasks: how many tasks there will be; workers are not started for more.

    Raises:
        InputError: the backend is not installed, or no cluster answers at the address.
    """
    from joblib import cpu_count

    require_backend(backend)
    here = min(cpu_count() if workers == -1 else workers, tasks)
    if backend == "sequential":
        yield Pool(partial, 1)
    elif backend == "threading":
        with _open_threads(here) as pool:
            yield pool
    elif backend == "loky":
        with open_processes(here) as pool:
            yield pool
    else:
        opener = _open_dask if backend == "dask" else _open_ray
        with opener(here if address is None else workers, address) as pool:
            yield pool


@contextmanager
def open_processes(workers: int) -> Iterator[Pool]:
    """Open processes on this machine; each starts with its first task, and anew after it has died."""
    processes = [_Process() for _ in range(workers)]
    choosing = threading.Lock()

    def submit(
        task: Callable[Given, Made], /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Callable[[], Made]:
        with choosing:
            freest = min(processes, key=_Process.count_pending)
            return freest.submit(partial(task, *args, **kwargs))

    try:
        yield Pool(submit, 2 * workers)
    except BaseException:
        for process in processes:
            process.kill()
        raise
    for process in processes:
        process.end()


class _Process:
    """One process that is a pool of its own, so that its death costs no task of another."""

    def __init__(self) -> None:
        self._executor = self._start()
        self._pending: list[Future[object]] = []

    def count_pending(self) -> int:
        """Count the tasks that it has not finished."""
        self._pending = [future for future in self._pending if not future.done()]
        return len(self._pending)

    def submit(self, task: Callable[[], Made]) -> Callable[[], Made]:
        """Hand a task over."""
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        try:
            future = self._executor.submit(task)
        except TerminatedWorkerError:
            self._executor = self._start()
            future = self._executor.submit(task)
        self._pending.append(cast("Future[object]", future))

        def wait() -> Made:
            try:
                return future.result()
            except TerminatedWorkerError as error:
                raise WorkerDiedError("expected a result, but the worker process died") from error

        return wait

    def end(self) -> None:
        """Let it end once the task at hand is done; nobody waits for it."""
        for future in self._pending:
            future.cancel()
        self._executor.shutdown(wait=False)

    def kill(self) -> None:
        """End it at once, whatever it is at, and wait for its end: it writes nothing any more."""
        self._executor.shutdown(wait=True, kill_workers=True)

    @staticmethod
    def _start() -> "ProcessPoolExecutor":
        from joblib.externals.loky import ProcessPoolExecutor

        return ProcessPoolExecutor(1, initializer=_start_worker, initargs=(os.getpid(),), env=ONE_THREAD)


def _start_worker(parent: int) -> None:
    """Let a worker process end soon after its parent, which a killed run cannot see to, and by it alone.

    Ctrl-C reaches all processes of a terminal at once; the parent answers it, and ends its workers.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _open_threads(workers: int) -> Iterator[Pool]:
    executor = ThreadPoolExecutor(workers)

    def submit(
        task: Callable[Given, Made], /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Callable[[], Made]:
        return executor.submit(task, *args, **kwargs).result

    try:
        yield Pool(submit, 2 * workers)
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def _open_dask(workers: int, address: str | None) -> Iterator[Pool]:
    from distributed import Client, KilledWorker

    from selfsame.parallel.dask_cluster import explain_misreading, require_package, silenced, wait_for_result

    with ExitStack() as opened:
        opened.enter_context(silenced("distributed", "distributed.client"))  # what they log is raised as well
        with _name_failures("dask", address):
            cluster = address or opened.enter_context(_start_dask(workers))
            client = opened.enter_context(Client(cluster, timeout=CONNECT_S, set_as_default=False))
            client.wait_for_workers(1, timeout=CONNECT_S)
        if address:
            require_package(client, address)

        def submit(
            task: Callable[Given, Made], /, *args: Given.args, **kwargs: Given.kwargs
        ) -> Callable[[], Made]:
            future = client.submit(partial(task, *args, **kwargs), key=f"shard-{uuid4().hex}")

            def wait() -> Made:
                with _name_failures("dask", address):
                    try:
                        return cast(Made, wait_for_result(client, future, CONNECT_S))
                    except KilledWorker as error:
                        raise WorkerDiedError(str(error)) from error
                    except RuntimeError as error:
                        raise explain_misreading(address, error) from error

            return wait

        yield Pool(submit, 2 * (sum(client.nthreads().values()) if workers == -1 else workers))


@contextmanager
def _start_dask(workers: int) -> Iterator[object]:
    """Start a cluster on this machine; a task whose worker dies is given back, not tried on the next."""
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
        ) as cluster,
    ):
        yield cluster


@contextmanager
def _open_ray(workers: int, address: str | None) -> Iterator[Pool]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else it tells its makers of every start
    import ray

    logging.getLogger("ray").setLevel(logging.WARNING)
    from ray.exceptions import (
        NodeDiedError,
        ObjectLostError,
        OutOfMemoryError,
        RayTaskError,
        WorkerCrashedError,
    )

    died = (NodeDiedError, ObjectLostError, OutOfMemoryError, WorkerCrashedError)
    quiet = {"configure_logging": False, "logging_level": logging.ERROR}
    own = {"num_cpus": workers, "include_dashboard": False, **quiet} if address is None else {}
    remote = ray.remote(max_retries=0, num_cpus=1)(_call)

    def submit(
        task: Callable[Given, Made], /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Callable[[], Made]:
        reference = remote.remote(partial(task, *args, **kwargs))

        def wait() -> Made:
            with _name_failures("ray", address):
                try:
                    return ray.get(reference)
                except RayTaskError as error:
                    raise _explain_task(error.cause, address) from None
                except died as error:
                    raise WorkerDiedError(str(error).partition("\n")[0]) from error

        return wait

    try:
        with _name_failures("ray", address):
            ray.init(address=address or "local", log_to_driver=False, **own)
        yield Pool(submit, 2 * (int(ray.cluster_resources().get("CPU", 1)) if workers == -1 else workers))
    finally:
        ray.shutdown()


def _explain_task(cause: Exception, address: str | None) -> SelfsameError:
    """Give what a task raised on purpose; anything else means that a worker could not read it."""
    if isinstance(cause, SelfsameError):
        return cause
    said = " ".join(f"{type(cause).__name__}: {cause}".split()).partition(" traceback: ")[0]
    where = "on this machine" if address is None else f"at {address}"
    return InputError(
        f"expected workers of the ray cluster {where} that read tasks of this version, got "
        f"{said}: install the same version there, start them again, and run again"
    )


def _call(task: Callable[[], Made]) -> Made:
    return task()


@contextmanager
def _name_failures(backend: str, address: str | None) -> Iterator[None]:
    """Say what a failed connection means; the tasks themselves raise nothing of this kind."""
    try:
        yield
    except (OSError, CancelledError) as error:
        where = "on this machine" if address is None else f"at {address}"
        said = f"{type(error).__name__} {error}".partition("\n")[0]
        token = backend == "ray" and address is not None and os.environ.get("RAY_AUTH_MODE") != "token"
        hint = " (RAY_AUTH_MODE=token, if it asks for one, is not set here)" if token else ""
        raise InputError(
            f"expected a {backend} cluster that answers {where}, got {said}{hint}: start it and its workers, "
            "or correct the address, and run again; finished shards are kept"
        ) from error
