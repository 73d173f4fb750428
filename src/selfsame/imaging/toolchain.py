"""The toolchain: the code and libraries that decide pixels, which all machines of a cluster have to share."""

import hashlib
import platform
from functools import cache
from pathlib import Path

import selfsame
from selfsame.errors import InputError


@cache
def describe_toolchain() -> str:
    """Say in a few words what this machine makes pixels with: the project, by its code, and the libraries.

    It is said once a process, so of what the process has loaded rather than of what replaced it since.
    """
    import cv2
    import numpy as np
    import PIL

    code = hashlib.sha256()
    root = Path(selfsame.__file__).parent
    for path in sorted(root.rglob("*.py")):
        code.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return (
        f"{selfsame.__name__} {selfsame.__version__} (code {code.hexdigest()[:8]}), OpenCV {cv2.__version__}, "
        f"NumPy {np.__version__}, Pillow {PIL.__version__}"
    )


def require_toolchain(expected: str) -> None:
    """Check that this machine makes pixels as another one does.

    Args:
        expected: what `describe_toolchain` says there.

    Raises:
        InputError: this machine has another version of something.
    """
    found = describe_toolchain()
    if found != expected:
        raise InputError(
            f"expected workers with {expected}, as where the run began, but {platform.node()} has {found}: "
            "install the same there, restart its workers and run again; finished shards are kept"
        )
