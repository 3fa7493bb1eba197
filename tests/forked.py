"""Work in a copy of the test process, where imports are paid for already."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path


def run_forked(work: Callable[[], None], log: Path) -> None:
    """Wait for `forked`; AssertionError with what it printed if it failed."""
    child = forked(work, log)
    try:
        status = os.waitpid(child, 0)[1]
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    assert status == 0, log.read_text(encoding="utf-8", errors="replace")


def forked(work: Callable[[], None], log: Path) -> int:
    """The number of a child that does ``work``, prints into ``log``, and ends with the status of a command."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            sys.stdout = sys.stderr = open(log, "w", encoding="utf-8", buffering=1)
            work()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc(file=sys.stderr)
        finally:
            sys.stderr.flush()
            os._exit(status)
    return child
