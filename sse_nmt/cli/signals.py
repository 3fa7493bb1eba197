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
_PATIENCE = 50  # times
_IMPORTING = ("<frozen importlib._bootstrap>", None)
_ENTERING = (contextlib.__file__, ("__enter__", "enter_context"))


def heed_signals() -> None:
    """One signal ends the work in order, a second is the same one again, the third ends it at once.

    It waits for imports to end: torch's, when it is interrupted, aborts the process; and, for a second, for a context
    that is being entered, whose exit nobody would call. Where Python can only drop an exception (in `__del__`, say),
    the signal comes again; what it interrupted half-made has nothing more to say. What is done is not interrupted.
    """
    count = waits = 0

    def again() -> None:
        signal.signal(signal.SIGALRM, heed)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    def dropped(what: sys.UnraisableHookArgs) -> None:
        if count == 0:
            sys.__unraisablehook__(what)
        elif isinstance(what.exc_value, KeyboardInterrupt):
            again()

    def heed(number: int, frame: FrameType | None) -> None:
        nonlocal count, waits
        count += number != signal.SIGALRM
        if count > 2:
            os._exit(INTERRUPTED)
        if count == 2 and number != signal.SIGALRM:
            return
        if _is_amid(frame, _IMPORTING):
            again()
        elif waits < _PATIENCE and _is_amid(frame, _ENTERING):  # some wait for others: a lock, a server
            waits += 1
            again()
        else:
            raise KeyboardInterrupt

    sys.unraisablehook = dropped
    atexit.register(_ignore_signals)  # before Python's own end, amid which they would kill

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # a shell's background job
            signal.signal(number, heed)


def comes_of_an_interruption(error: BaseException | None) -> bool:
    """Whether it is one, or what somebody ran into who was interrupted."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)


def _is_amid(frame: FrameType | None, place: tuple[str, tuple[str, ...] | None]) -> bool:
    """Whether the frame, or one that called it, is of that file and, if there are names, of a function among them."""
    file, names = place
    while frame is not None:
        if frame.f_code.co_filename == file and (names is None or frame.f_code.co_name in names):
            return True
        frame = frame.f_back
    return False
