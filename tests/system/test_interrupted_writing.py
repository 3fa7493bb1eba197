"""Ctrl-C while a file is being opened for writing leaves nothing of it."""

from __future__ import annotations

import sys
from pathlib import Path

from conftest import run_command

_PROGRAM = """
import contextlib, fcntl, os, signal, sys, time
from pathlib import Path
from sse_nmt.cli.signals import heed_signals
from sse_nmt.system.atomic_files import atomic_write

heed_signals()
lock = fcntl.flock

def interrupted(*arguments):
    os.kill(os.getpid(), signal.SIGINT)  # the file is there, and nothing has promised to remove it yet
    return lock(*arguments)

fcntl.flock = interrupted
try:
    with contextlib.ExitStack() as stack:
        stack.enter_context(atomic_write(Path(sys.argv[1])))
        time.sleep(10)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_nothing_is_left_of_a_file_that_was_being_opened(tmp_path: Path) -> None:
    done = run_command(sys.executable, "-c", _PROGRAM, str(tmp_path / "file"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")
    assert not list(tmp_path.iterdir())
