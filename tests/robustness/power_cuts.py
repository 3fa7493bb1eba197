"""Commands that are cut off before one of the things they do to files, as a power cut would.

In a forked child every call that changes a file or folder is counted, in all of its processes; before the call of a
chosen number all of them are killed, and what was written but not synced is lost.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from forked import forked

Work = Callable[[], None]
_CALLS = ("replace", "rename", "unlink", "remove", "mkdir", "rmdir", "fsync", "ftruncate", "symlink", "link")
_NOT_OURS = ("/dev/", "/proc/", "/sys/")


def events_of(work: Work, log: Path) -> int:
    """How many there are when nothing is cut off. Raises AssertionError if ``work`` fails."""
    counter = multiprocessing.Value("q", 0)
    status = _run(work, log, counter, None)
    assert status == 0, log.read_text(encoding="utf-8", errors="replace")
    return counter.value


def cut_off(work: Work, log: Path, event: int) -> bool:
    """Do ``work`` until just before that event; whether it got so far."""
    counter = multiprocessing.Value("q", 0)
    status = _run(work, log, counter, event)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def _run(work: Work, log: Path, counter: Any, event: int | None) -> int:
    def counted() -> None:
        os.setsid()
        with _counted(counter, event):
            work()

    child = forked(counted, log)
    status = os.waitpid(child, 0)[1]
    with contextlib.suppress(ProcessLookupError):  # what it left
        os.killpg(child, signal.SIGKILL)
    return status


@contextlib.contextmanager
def _counted(counter: Any, event: int | None) -> Iterator[None]:
    unsynced: dict[int, str] = {}  # descriptor -> file that was opened for writing

    def happens() -> None:
        with counter.get_lock():
            counter.value += 1
            if counter.value == event:
                for path in unsynced.values():
                    with contextlib.suppress(OSError):
                        os.truncate(path, 0)
                os.killpg(0, signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            happens()
            result = function(*arguments, **keywords)
            if function.__name__ == "fsync":
                unsynced.pop(arguments[0], None)
            return result

        return call

    def opening(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
            writes = isinstance(mode, str) and set(mode) & set("wax+")
            if not writes or str(file).startswith(_NOT_OURS) or isinstance(file, int) and file < 3:
                return function(file, mode, *arguments, **keywords)
            happens()
            opened = function(file, mode, *arguments, **keywords)
            if not isinstance(file, int):
                unsynced[opened.fileno()] = os.path.abspath(os.fspath(file))
            return opened

        return call

    saved = {name: getattr(os, name) for name in _CALLS}
    plain_open = builtins.open
    for name, function in saved.items():
        setattr(os, name, wrapped(function))
    builtins.open = io.open = opening(plain_open)  # type: ignore[assignment]
    try:
        yield
    finally:
        builtins.open = io.open = plain_open
        for name, function in saved.items():
            setattr(os, name, function)
