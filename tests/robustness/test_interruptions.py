"""Ctrl-C, once and twice, at moments that nobody chose: the command ends in one sentence, and leaves no half file."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import heed_signals
from robustness.table import add_row

_FEW, _MANY = 1, 40
_SAID = "sse-nmt: interrupted; started again, `prepare` and `train` go on.\n"
_SECONDS = 4.0  # within which the few come; the many, within what the command takes


def begun(command: list[str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=heed_signals
    )
    wait_until_it_listens(process)
    return process


def wait_until_it_listens(process: subprocess.Popen[str]) -> None:
    """Python itself has begun, and our handler is there."""
    while process.poll() is None:
        caught = Path(f"/proc/{process.pid}/status").read_text().partition("SigCgt:")[2].split()[0]
        if int(caught, 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.01)


@pytest.mark.parametrize("name", ["compare", "evaluate", "prepare"])
@pytest.mark.timeout(1200)
def test_it_ends_in_order(real_processes, toy_runs, toy_text, tmp_path, long, name):
    run = Path(shutil.copytree(toy_runs["baseline"], tmp_path / "run"))
    files = ["--source", toy_text[0], "--target", toy_text[1], "--vocab-size", "80", "--valid", "10", "--test", "10"]
    words = {
        "compare": ["compare", f"a={run}", f"b={toy_runs['sse_se']}", "--output", tmp_path / "page"],
        "evaluate": ["evaluate", run, "--engine", "fairseq"],
        "prepare": ["prepare", "files", tmp_path / "data", *files],
    }[name]
    command = [sys.executable, "-m", "sse_nmt", *map(str, words)]
    dice, ended, seconds = random.Random(1), 0, _SECONDS
    if long:
        process = begun(command)
        start = time.monotonic()
        assert process.wait() == 0
        seconds = time.monotonic() - start
    for number in range(_MANY if long else _FEW):
        for made in ("page", "data"):
            shutil.rmtree(tmp_path / made, ignore_errors=True)
        process = begun(command)
        time.sleep(dice.uniform(0, seconds))
        for _ in range(1 + number % 2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        said = process.communicate(timeout=60)[1]
        assert process.returncode in (0, 130, -signal.SIGINT), (
            said
        )  # the last: amid Python's own end; shells call it 130
        ended += process.returncode != 0
        assert (said.splitlines(keepends=True) or [_SAID])[-1] == _SAID or process.returncode == 0, said
        assert "Traceback" not in said and "ignored" not in said, said
        assert not list(tmp_path.rglob("*.part"))
    add_row(f"Ctrl-C: {name}", _MANY if long else _FEW, ended, (_MANY if long else _FEW) - ended, 0, "")
