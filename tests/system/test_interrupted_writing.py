"""Ctrl-C while a file is being opened for writing leaves nothing of it; a lock that is waited for can be left."""

from __future__ import annotations

import sys
from pathlib import Path

from conftest import run_command

from sse_nmt.system.locks import waiting_lock

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


_WAITING = """
import os, signal, sys, threading
from pathlib import Path
from sse_nmt.cli.signals import heed_signals
from sse_nmt.system.locks import waiting_lock

heed_signals()
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    with waiting_lock(Path(sys.argv[1])):
        print("locked")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_lock_that_another_holds_is_not_waited_for_longer(tmp_path: Path) -> None:
    with waiting_lock(tmp_path / "lock"):
        done = run_command(sys.executable, "-c", _WAITING, str(tmp_path / "lock"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


_AT_THE_END = """
import os, signal, time
from sse_nmt.cli.signals import heed_signals

class Late:
    def __del__(self):  # amid Python's own end
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)

heed_signals()
late = Late()
print("done")
"""


def test_what_is_done_is_not_interrupted() -> None:
    done = run_command(sys.executable, "-c", _AT_THE_END)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
