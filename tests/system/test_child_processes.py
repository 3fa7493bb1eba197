"""Programs that are started for a moment: they end with who started them, however that ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import heed_signals

from sse_nmt.system.child_processes import run_child
from sse_nmt.system.errors import UserError

_SECONDS = 20


@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_orphans(real_processes, tmp_path: Path, with_signal):
    code = (
        "import sys; from sse_nmt import cli; from sse_nmt.system.child_processes import run_child\n"
        "cli._run = lambda words: run_child(['sh', '-c', 'echo $$ >pid; exec sleep 60'], 'failed')\n"
        "cli.main([])"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=heed_signals
    )
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        time.sleep(0.02)
    parent.send_signal(with_signal)
    said = parent.communicate(timeout=_SECONDS)[1]
    assert "Traceback" not in said and "ignored" not in said
    child, end = int((tmp_path / "pid").read_text()), time.monotonic() + _SECONDS
    while Path(f"/proc/{child}").exists() and _state(child) != "Z":
        assert time.monotonic() < end
        time.sleep(0.02)


def _state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_what_it_said_last_is_why(tmp_path):
    with pytest.raises(UserError) as error:
        run_child(["sh", "-c", "echo first >&2; printf 'last\\033[31m\\n' >&2; exit 3"], "It failed")
    assert str(error.value) == r"It failed: last\x1b[31m"
    assert run_child(["cat"], "It failed", input="ä\n") == "ä\n"


def test_a_program_that_is_not_installed_is_named():
    with pytest.raises(UserError, match="^`x` failed: it needs no-such-program, which is not installed here.$"):
        run_child(["no-such-program", "--flag"], "`x` failed")
