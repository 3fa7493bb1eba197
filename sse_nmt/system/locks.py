"""One process at a time in a folder."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from sse_nmt.system.errors import UserError


@contextlib.contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Wait until nobody else holds ``path``, a file made for it: for what is made once and used by many."""
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def folder_lock(folder: Path, what: str) -> Iterator[int]:
    """Keep others from working in ``folder`` (made if need be); the file descriptor is for a child to inherit.

    Raises:
        UserError: another process holds it; ``what`` says what it does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{folder} is in use by another {what}: wait for it or stop it.") from None
        yield file.fileno()
