"""SIGINT and SIGTERM: a command ends in order, whatever it is at."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130  # as shells have it: 128 and SIGINT's number
_AGAIN = 0.02  # seconds


def heed_signals() -> None:
    """One signal ends the work in order, a second is the same one again, the third ends it at once.

    It waits for imports to end: torch's, when it is interrupted, aborts the process; and for a context that is being
    entered, whose exit nobody would call. Where Python can only drop an
    exception (in `__del__`, say), the signal comes again; what it interrupted half-made has nothing more to say.
    """
    count = 0

    def again() -> None:
        signal.signal(signal.SIGALRM, heed)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    def dropped(what: sys.UnraisableHookArgs) -> None:
        if count == 0:
            sys.__unraisablehook__(what)
        elif isinstance(what.exc_value, KeyboardInterrupt):
            again()

    def heed(number: int, frame: FrameType | None) -> None:
        nonlocal count
        count += number != signal.SIGALRM
        if count > 2:
            os._exit(INTERRUPTED)
        if count == 2 and number != signal.SIGALRM:
            return
        if _delicate(frame):
            again()
        else:
            raise KeyboardInterrupt

    sys.unraisablehook = dropped
    atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)  # what is done need not be interrupted again

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # a shell's background job
            signal.signal(number, heed)


def comes_of_an_interruption(error: BaseException | None) -> bool:
    """Whether it is one, or what somebody ran into who was interrupted."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _delicate(frame: FrameType | None) -> bool:
    while frame is not None:
        code = frame.f_code
        if code.co_filename == "<frozen importlib._bootstrap>":
            return True
        if code.co_filename == contextlib.__file__ and code.co_name in ("__enter__", "enter_context"):
            return True
        frame = frame.f_back
    return False
