"""Reading one local file below a root, in few calls of the system and without leaving the root."""

import os
import stat

from selfsame.errors import CaptureError


def read_below(root: str, path: str, *, at_most: int | None) -> bytes:
    """Read a file: whole, or its first `at_most` bytes.

    It is opened first and then asked where it is, so that no link can change between the two.

    Args:
        root: the folder that is not to be left, as `find_place` gives it.
        path: of the file, relative to the root, without `..`.
        at_most: bytes; None for all.

    Raises:
        CaptureError: the path is, or leads over, a link that leaves the root.
        OSError: there is no such file, or it cannot be read.
    """
    above = root if root.endswith("/") else f"{root}/"
    opened = os.open(above + path, os.O_RDONLY | os.O_NONBLOCK)  # which does not wait at a pipe
    try:
        if not _find_place(opened, above + path).startswith(above):
            raise CaptureError(
                "link_outside_root", f"expected a file below the root at {path}, got a link elsewhere"
            )
        status = os.fstat(opened)
        if not stat.S_ISREG(status.st_mode):
            raise CaptureError("unreadable", f"expected a file at {path}, got something else")
        return _read_opened(opened, status.st_size, at_most)
    finally:
        os.close(opened)


def find_place(path: str) -> str:
    """Find where a file or folder is, all links followed.

    Raises:
        OSError: there is none, or it cannot be read.
    """
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return _find_place(opened, path)
    finally:
        os.close(opened)


def _find_place(opened: int, path: str) -> str:
    """Find where an open file is, all links followed: from the kernel, or else by its path."""
    try:
        return os.readlink(f"/proc/self/fd/{opened}")  # noqa: PTH115 - a third of pathlib's time
    except FileNotFoundError:  # no Linux
        return os.path.realpath(path)


def _read_opened(opened: int, size: int, at_most: int | None) -> bytes:
    # Memory is taken for all that is asked for: twice the time where that is the limit of 64 MiB.
    wanted = size + 1
    if at_most is not None:
        wanted = min(at_most, wanted)
    first = os.read(opened, wanted)
    parts = [first]
    done = len(first)
    while parts[-1] and (at_most is None or done < at_most):
        parts.append(os.read(opened, wanted if at_most is None else min(wanted, at_most - done)))
        done += len(parts[-1])
    return first if done == len(first) else b"".join(parts)
