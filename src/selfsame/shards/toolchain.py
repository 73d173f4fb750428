"""The toolchain: the code and libraries that decide pixels, which all machines of a cluster have to share."""

import platform
from functools import cache

import selfsame
from selfsame.code_digest import digest_code
from selfsame.errors import InputError

SHOWN_DIGITS = 8


@cache
def describe_toolchain() -> str:
    """Say in a few words what this machine makes pixels with: the project, by its code, and the libraries.

    It is said once a process, so of what the process has loaded rather than of what replaced it since.
    """
    import cv2
    import numpy as np
    import PIL

    code = digest_code([selfsame.__name__])[:SHOWN_DIGITS]
    return (
        f"{selfsame.__name__} {selfsame.__version__} (code {code}), "
        f"OpenCV {cv2.__version__}, NumPy {np.__version__}, Pillow {PIL.__version__}"
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
