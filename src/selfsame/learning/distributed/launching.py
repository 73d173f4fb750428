"""Several processes on this machine that train together: started, logged, and ended if one is lost."""

import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import SimpleQueue

from torch import distributed

from selfsame.errors import SelfsameError
from selfsame.learning.distributed.processes import LostProcessError, Member, joined

GRACE_S = 5.0
"""How long the other processes may take to notice that one is lost, before they are killed."""

PACKAGE = "selfsame"
REMEDY = "run the same command again to go on from the last checkpoint"
Work = Callable[[], object]


def launch(work: Work, count: int, device: str) -> None:
    """Do a piece of work in several processes that are connected, and wait for their end.

    The processes are started afresh (`spawn`), so the work has to be one that can be pickled, and end with
    this one. What they log appears here: everything of the first one, warnings of the others.

    Args:
        work: called once in every process.
        count: so many processes.
        device: cpu or cuda.

    Raises:
        SelfsameError: as the work raised it in one of the processes.
        LostProcessError: a process was killed or crashed; the others have been ended.
    """
    with tempfile.TemporaryDirectory(prefix="selfsame-") as folder:
        processes, connections = _start(work, count, device, Path(folder) / "meeting")
        receiver = _LogReceiver(connections)
        receiver.start()
        try:
            failed = _await(processes)
        finally:
            _end(processes)
            receiver.join()
    if failed:
        raise _explain(failed, receiver.errors, count)


def _start(
    work: Work, count: int, device: str, meeting: Path
) -> tuple[list[BaseProcess], list["Connection[Work, object]"]]:
    """Start the processes, each with a pipe that it logs to, and that closes when it ends.

    The work is sent when all have been started, so that all load torch at the same time.
    """
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # else each warns where no batch lacks a modality
    context = multiprocessing.get_context("spawn")
    processes: list[BaseProcess] = []
    connections = []
    try:
        for rank in range(count):
            here, there = context.Pipe()
            process = context.Process(
                target=_work,
                args=(Member(rank, count, rank, count), device, meeting, there),
                name=f"training process {rank}",
            )
            process.start()
            there.close()
            processes.append(process)
            connections.append(here)
        for here in connections:
            with suppress(OSError):  # of a process that has died, which is noticed when it is waited for
                here.send(work)
    except BaseException:
        _end(processes)
        raise
    return processes, connections


def _end(processes: Sequence[BaseProcess]) -> None:
    """Kill those that still run."""
    for process in processes:
        process.kill()
        process.join()


def _await(processes: Sequence[BaseProcess]) -> list[BaseProcess]:
    """Wait until all have ended, or one has failed; give those that failed by themselves, in order."""
    running = list(processes)
    failed: list[BaseProcess] = []
    while running:
        ended = wait([process.sentinel for process in running], timeout=GRACE_S if failed else None)
        if not ended:
            break
        for process in [one for one in running if one.sentinel in ended]:
            process.join()
            running.remove(process)
            failed += [process] if process.exitcode else []
    return failed


def _explain(failed: Sequence[BaseProcess], errors: Sequence[SelfsameError], count: int) -> SelfsameError:
    """Tell the cause from what followed: an error, else a killed process, else a lost connection."""
    causes = [error for error in errors if not isinstance(error, LostProcessError)]
    if causes:
        return causes[0]
    for process in failed:
        if process.exitcode is not None and process.exitcode < 0:
            return LostProcessError(
                f"expected {count} processes to train to the end, but {process.name} was killed "
                f"({signal.Signals(-process.exitcode).name}) and the others were stopped: {REMEDY}; if "
                "memory ran out, lower training.devices"
            )
    if errors:
        return errors[0]
    return LostProcessError(
        f"expected {count} processes to train to the end, but {failed[0].name} failed (status "
        f"{failed[0].exitcode}; what it said is above): correct that, and {REMEDY}"
    )


def _work(member: Member, device: str, meeting: Path, parent: "Connection[object, Work]") -> None:
    """Do the work that the parent sends, in one of the processes."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the parent says that the run was stopped
    variables = {
        "RANK": member.rank,
        "WORLD_SIZE": member.world,
        "LOCAL_RANK": member.local_rank,
        "LOCAL_WORLD_SIZE": member.local_world,
    }
    os.environ.update({name: str(number) for name, number in variables.items()})
    logs = logging.getLogger(PACKAGE)
    logs.addHandler(_LogSender(parent))
    logs.propagate = False  # to the console of this process, which shows what the parent shows already
    logs.setLevel(logging.INFO if member.first else logging.WARNING)
    work = parent.recv()
    try:
        with joined(member, device, meeting):
            work()
        distributed.destroy_process_group()
    except SelfsameError as error:
        parent.send(error)
        sys.exit(1)


def _end_with_parent() -> None:
    """End this process as soon as the one that started it has ended, however that happened."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class _LogSender(QueueHandler):
    """Sends log records through a pipe."""

    def __init__(self, connection: "Connection[object, Work]") -> None:
        super().__init__(SimpleQueue())  # which stays empty
        self._connection = connection

    def enqueue(self, record: logging.LogRecord) -> None:
        """Send one."""
        self._connection.send(record)


class _LogReceiver(threading.Thread):
    """Hands the log records of the processes to the loggers here, and keeps the errors that they send."""

    def __init__(self, connections: Sequence["Connection[Work, object]"]) -> None:
        super().__init__(daemon=True)
        self._connections = list(connections)
        self.errors: list[SelfsameError] = []

    def run(self) -> None:
        """Receive until the last process has ended."""
        while self._connections:
            for connection in wait(self._connections):
                self._receive(connection)  # type: ignore[arg-type]

    def _receive(self, connection: "Connection[Work, object]") -> None:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            self._connections.remove(connection)
            return
        if isinstance(message, logging.LogRecord):
            logging.getLogger(message.name).handle(message)
        elif isinstance(message, SelfsameError):
            self.errors.append(message)
