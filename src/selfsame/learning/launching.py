"""Several processes on this machine that train together: started, listened to, and ended if one is lost."""

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
from selfsame.learning.processes import LostProcessError, Member, joined

GRACE_S = 5.0
"""How long the other processes may take to notice that one is lost, before they are killed."""

PACKAGE = "selfsame"
REMEDY = "run the same command again to go on from the last checkpoint"
Work = Callable[[], object]


def launch(work: Work, count: int, device: str) -> None:
    """Do a piece of work in several processes that know of each other, and wait for their end.

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
        processes, ears = _start(work, count, device, Path(folder) / "meeting")
        listener = _Listener(ears)
        listener.start()
        try:
            failed = _await(processes)
        finally:
            _end(processes)
            listener.join()
    if failed:
        raise _explain(failed, listener.errors, count)


def _start(
    work: Work, count: int, device: str, meeting: Path
) -> tuple[list[BaseProcess], list["Connection[Work, object]"]]:
    """Start the processes; each tells what it has to say at its own end of a pipe, which closes with it.

    They get their work when all have been started, so that all load torch at the same time.
    """
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # else each warns where no batch lacks a modality
    context = multiprocessing.get_context("spawn")
    processes: list[BaseProcess] = []
    ears = []
    try:
        for rank in range(count):
            ear, mouth = context.Pipe()
            process = context.Process(
                target=_work,
                args=(Member(rank, count, rank, count), device, meeting, mouth),
                name=f"training process {rank}",
            )
            process.start()
            mouth.close()
            processes.append(process)
            ears.append(ear)
        for ear in ears:
            with suppress(OSError):  # of a process that has died, which is noticed when it is waited for
                ear.send(work)
    except BaseException:
        _end(processes)
        raise
    return processes, ears


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


def _work(member: Member, device: str, meeting: Path, mouth: "Connection[object, Work]") -> None:
    """Do the work that is sent, in one of the processes."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the parent says that the run was stopped
    told = {
        "RANK": member.rank,
        "WORLD_SIZE": member.world,
        "LOCAL_RANK": member.local_rank,
        "LOCAL_WORLD_SIZE": member.local_world,
    }
    os.environ.update({name: str(number) for name, number in told.items()})
    logs = logging.getLogger(PACKAGE)
    logs.addHandler(_Teller(mouth))
    logs.propagate = False  # to the console of this process, which shows what the parent shows already
    logs.setLevel(logging.INFO if member.first else logging.WARNING)
    work = mouth.recv()
    try:
        with joined(member, device, meeting):
            work()
        distributed.destroy_process_group()
    except SelfsameError as error:
        mouth.send(error)
        sys.exit(1)


def _end_with_parent() -> None:
    """End this process as soon as the one that started it has ended, however that happened."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class _Teller(QueueHandler):
    """Sends records through a pipe."""

    def __init__(self, mouth: "Connection[object, Work]") -> None:
        super().__init__(SimpleQueue())  # which stays empty
        self._mouth = mouth

    def enqueue(self, record: logging.LogRecord) -> None:
        """Send one."""
        self._mouth.send(record)


class _Listener(threading.Thread):
    """Hears what the processes say: hands their records to the loggers here, and keeps their errors."""

    def __init__(self, ears: Sequence["Connection[Work, object]"]) -> None:
        super().__init__(daemon=True)
        self._ears = list(ears)
        self.errors: list[SelfsameError] = []

    def run(self) -> None:
        """Listen until the last process has ended."""
        while self._ears:
            for ear in wait(self._ears):
                self._hear(ear)  # type: ignore[arg-type]

    def _hear(self, ear: "Connection[Work, object]") -> None:
        try:
            said = ear.recv()
        except (EOFError, OSError):
            self._ears.remove(ear)
            return
        if isinstance(said, logging.LogRecord):
            logging.getLogger(said.name).handle(said)
        elif isinstance(said, SelfsameError):
            self.errors.append(said)
