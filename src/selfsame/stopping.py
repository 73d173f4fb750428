"""Stopping a run: Ctrl-C and SIGTERM end the work by an exception, wherever they arrive.

Python raises it in whatever the main thread is at. An extension module whose import is interrupted may abort
the process, and packages that take an error of an optional import for its absence go on without it: so an
import is finished first. What is raised while an object is cleaned up is forgotten: so it is raised again.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ASK_AGAIN_S = 0.05
"""How long a stop waits before it looks again whether it can be raised."""

IMPORTS = "<frozen importlib._bootstrap"


class Terminated(BaseException):
    """The system, or whoever runs the job, asked the process to end: SIGTERM."""


RAISED = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}


@contextmanager
def stoppable() -> Iterator[None]:
    """Let the work inside, in the main thread, end by `KeyboardInterrupt` or `Terminated`.

    An interrupt that this process was told to ignore stays ignored.
    """
    asking: list[threading.Timer] = []
    print_unraisable, here = sys.unraisablehook, threading.get_ident()

    def ask_again(number: signal.Signals) -> None:
        again = threading.Timer(ASK_AGAIN_S, signal.pthread_kill, [here, number])
        again.daemon = True
        asking.append(again)
        again.start()

    def end(number: int, frame: FrameType | None) -> None:
        if is_importing(frame):
            ask_again(signal.Signals(number))
        else:
            raise RAISED[signal.Signals(number)]

    def take_unraisable(lost: "sys.UnraisableHookArgs") -> None:
        numbers = [number for number, kind in RAISED.items() if isinstance(lost.exc_value, kind)]
        if numbers:
            ask_again(numbers[0])
        else:
            print_unraisable(lost)

    ignored = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    numbers = [signal.SIGTERM] if ignored else list(RAISED)
    before = {number: signal.signal(number, end) for number in numbers}
    sys.unraisablehook = take_unraisable
    try:
        yield
    finally:
        for timer in asking:
            timer.cancel()
        sys.unraisablehook = print_unraisable
        for number, handler in before.items():
            signal.signal(number, handler)


def is_importing(frame: FrameType | None) -> bool:
    """Tell whether a frame belongs to the import of a module."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(IMPORTS):
            return True
        frame = frame.f_back
    return False
