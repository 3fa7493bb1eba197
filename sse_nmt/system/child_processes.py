"""Child processes: they end with their parent, their text is UTF-8, and what they say last is why they failed."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sse_nmt.system.errors import UserError

MARK = "sse-nmt failed: "  # before the sentence that a training process ends with
_NOTHING = "it said nothing"


def start_child(
    command: Sequence[str],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    processors: Collection[int] = (),
    **streams: Any,
) -> subprocess.Popen[str]:
    """A process whose pipes and files are UTF-8 whatever the locale, and which ends with this one.

    Args:
        folder: where it works.
        environment: what is different in its environment.
        processors: those that it may use; none named: all that this one may.
        streams: as for `subprocess.Popen`.
    """
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONUTF8": "1", **(environment or {})},
        encoding="utf-8",
        errors="replace",
        preexec_fn=partial(_begin, os.getpid(), processors),
        **streams,
    )


def _begin(parent: int, processors: Collection[int]) -> None:
    """In the child, before its program."""
    end_with_parent(parent)
    if processors and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, processors)


def run_child(
    command: Sequence[str],
    failed: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    input: str | None = None,
    merged: bool = False,
) -> str:
    """What a program prints, on both of its streams if they are ``merged``.

    Raises:
        UserError: there is no such program, or it ended with another status than 0: ``failed``, and what it said last.
    """
    streams: dict[str, Any] = {
        "stdin": subprocess.DEVNULL if input is None else subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT if merged else subprocess.PIPE,
    }
    if shutil.which(command[0]) is None:
        raise UserError(f"{failed}: it needs {command[0]}, which is not installed here.")
    with start_child(command, folder, environment, **streams) as process:
        printed, complaints = process.communicate(input)
    if process.returncode != 0:
        raise UserError(f"{failed}: {last_line(complaints or printed or f'status {process.returncode}')}")
    return printed


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else _NOTHING


def end_with_parent(parent: int | None = None) -> None:
    """In a child process: if the parent is killed, end too (PR_SET_PDEATHSIG, Linux only).

    ``parent``: its number, where it may have been killed before this is called.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


class Failure:
    """Reads a process's lines as they come."""

    def __init__(self) -> None:
        self._sentence = ""
        self._last = ""

    def read(self, line: str) -> None:
        text = line.strip()
        if text.startswith(MARK):
            self._sentence = self._sentence or text.removeprefix(MARK)
        elif text:
            self._last = text

    def __str__(self) -> str:
        """Its own sentence, or the last line of a process that was killed before it could say one."""
        return self._sentence or self._last or _NOTHING
