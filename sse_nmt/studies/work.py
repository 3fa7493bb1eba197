"""Pieces of work, how far they are, and what became of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sse_nmt.studies.preparations import Command, Preparation
from sse_nmt.system.child_processes import last_line, start_child
from sse_nmt.system.errors import UserError
from sse_nmt.system.locks import UNDER_WAY
from sse_nmt.system.progress import duration, log_line

_OURS = "sse-nmt: "  # before a command's own sentence
_LITTLE = 2**20  # bytes


@dataclass
class Work:
    """Commands one after the other; all that it ``needs`` must have gone well before.

    ``makes``: what many cells need, so that another study may make it meanwhile; None: a cell.
    """

    name: str
    log: Path
    commands: Sequence[Command]
    needs: Sequence[Work] = ()
    makes: Preparation | None = None
    failure: str | None = None
    finished: bool = False
    seconds: float = field(default=0.0)


def start_commands(commands: Sequence[Command], log: IO[str], **how: Any) -> subprocess.Popen[str]:
    """One process that does them one after the other; ``how``: as for `start_child`."""
    words = [sys.executable, "-m", "sse_nmt.cli.several", json.dumps(commands)]
    return start_child(words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **how)


def why_failed(status: int, log: Path) -> str:
    """The last that the last command said."""
    if status == UNDER_WAY:
        return f"another study does this at the moment: wait for it or stop it ({log})"
    if shutil.disk_usage(log.parent).free < _LITTLE:  # then it could not say so
        return f"no space is left on the disk of {log}"
    said = log.read_bytes().decode("utf-8", errors="replace").rpartition("$ sse-nmt ")[2].partition("\n")[2]
    return f"{last_line(said).removeprefix(_OURS)} ({log})"


class Progress:
    """A line for each piece of work that ends; ``width`` of them are under way at a time."""

    def __init__(self, work: Sequence[Work], width: int) -> None:
        self._work, self._width = work, width

    def say(self, ended: Work, running: int, waiting: int) -> None:
        done = [each for each in self._work if each.finished]
        how = f"failed: {ended.failure}" if ended.failure is not None else f"done in {duration(ended.seconds)}"
        when = ""
        cells = [each for each in done if each.makes is None]
        if running + waiting and cells:
            more = sum(each.seconds for each in cells) / len(cells) * (running + waiting) / self._width
            when = f"; ends about {time.strftime('%a %H:%M', time.localtime(time.time() + more))}"
        log_line(f"{ended.name} {how}. {len(done)} done, {running} running, {waiting} waiting{when}.")


def check_none_failed(work: Sequence[Work]) -> None:
    """Raises UserError that names each piece of work that failed, and why."""
    failed = [each for each in work if each.failure is not None]
    if failed:
        listed = [f"{each.name}: {each.failure}" for each in failed]
        raise UserError(f"{len(failed)} of {len(work)} steps failed; started again, the study goes on:", *listed)
