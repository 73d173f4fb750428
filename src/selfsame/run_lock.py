"""One run at a time in a data root: a lock that the operating system frees when its process ends."""

import atexit
import errno
import json
import logging
import os
import platform
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from selfsame.errors import InputError

logger = logging.getLogger(__name__)

LOCK_NAME, HOLDER_NAME = ".run.lock", ".run.json"
"""The locked file, which stays, and the one that says who holds the lock."""


class RunLock:
    """The right of one process to write in a data root.

    The lock is one of the operating system (`flock`): a process that is killed, or a machine that loses its
    power, leaves none. Who only reads needs none. At the latest it is given back when the process ends: to
    Kedro an interrupt is no error, so that no hook hears of it.

    Args:
        root: the data root, on a local filesystem; it is made where it is missing.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._holder = root / HOLDER_NAME
        self._lock = FileLock(root / LOCK_NAME, thread_local=False)

    def acquire(self) -> None:
        """Take the lock, or say at once who has it.

        Raises:
            InputError: another run is at work in this root, or the root is no folder or cannot be written.
        """
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            atexit.register(self.release)
            self._note()
        except Timeout:
            raise InputError(
                f"expected to be the only run in {self._root}, but another one is at work there "
                f"({self._name_holder()}): wait for its end, or choose another root with --params=data=PATH"
            ) from None
        except NotImplementedError:
            logger.warning("%s cannot be locked on its filesystem: start no second run there", self._root)
        except OSError as error:
            self.release()
            why = _explain(error, self._root)
            raise InputError(
                f"expected to write in {self._root}, but {why}choose another data root with "
                "--params=data=PATH"
            ) from error

    def release(self) -> None:
        """Give the lock back."""
        if self._lock.is_locked:
            with suppress(OSError):  # a root that can no longer be written
                self._holder.unlink(missing_ok=True)
            self._lock.release()
            atexit.unregister(self.release)

    def _note(self) -> None:
        """Write down who holds the lock."""
        started = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        holder = {"process": os.getpid(), "host": platform.node(), "started": started}
        partial = self._holder.with_name(f".run.{os.getpid()}.partial.json")
        try:
            partial.write_text(json.dumps(holder) + "\n", encoding="utf-8")
            partial.replace(self._holder)
        finally:
            partial.unlink(missing_ok=True)

    def _name_holder(self) -> str:
        try:
            holder = json.loads(self._holder.read_text(encoding="utf-8"))
            return f"process {holder['process']} on {holder['host']}, started {holder['started']}"
        except (OSError, ValueError, LookupError, TypeError):
            return "it has only just started"


def _explain(error: OSError, root: Path) -> str:
    """Say why a root cannot be written, and what would help beside another one."""
    if root.is_file():
        return "it is a file: "
    reason = (error.strerror or str(error)).lower()
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{reason}: let yourself write there, or "
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{reason}: make room there, or "
    if error.errno == errno.EROFS:
        return f"{reason}: "
    return f"no folder can be made or written there ({reason}): "
