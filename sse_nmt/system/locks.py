"""One process at a time in a folder."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from sse_nmt.system.errors import UserError

UNDER_WAY = 75  # status of a process that found its work being done by another (EX_TEMPFAIL)


@contextlib.contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Wait until nobody else holds ``path``, a file made for it: for what is made once and used by many."""
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def locked(descriptor: int) -> bool:
    """Whether what is open there is ours alone from now on, until the last process that inherits it ends."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(path: Path) -> bool:
    """Whether another process holds the file by `locked`."""
    with open(path, "a") as file:
        return not locked(file.fileno())


@contextlib.contextmanager
def folder_lock(folder: Path, what: str) -> Iterator[int]:
    """Keep others from working in ``folder`` (made if need be); the file descriptor is for a child to inherit.

    Raises:
        UserError: another process holds it; ``what`` says what it does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "a") as file:
        if not locked(file.fileno()):
            raise UserError(f"{folder} is in use by another {what}: wait for it or stop it.")
        yield file.fileno()
