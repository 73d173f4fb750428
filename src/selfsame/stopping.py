"""Stopping a run: Ctrl-C and SIGTERM end the work by an exception, but never the import of a module.

An extension module whose import is interrupted may abort the process, and packages that take an error of an
optional import for its absence go on without it, with the interrupt forgotten.
"""

import signal
import threading
from _thread import interrupt_main
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ASK_AGAIN_S = 0.05
"""How long a stop waits for the end of an import before it looks again."""

IMPORTS = "<frozen importlib._bootstrap"


class Terminated(BaseException):
    """The system, or whoever runs the job, asked the process to end: SIGTERM."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Let the work inside, in the main thread, end by `KeyboardInterrupt` or `Terminated`.

    An interrupt that this process was told to ignore stays ignored.
    """
    asking: list[threading.Timer] = []

    def end(number: int, frame: FrameType | None) -> None:
        if is_importing(frame):
            again = threading.Timer(ASK_AGAIN_S, interrupt_main, [number])
            again.daemon = True
            asking[:] = [again]
            again.start()
        else:
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, end)}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        for timer in asking:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def is_importing(frame: FrameType | None) -> bool:
    """Tell whether a frame belongs to the import of a module."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(IMPORTS):
            return True
        frame = frame.f_back
    return False
