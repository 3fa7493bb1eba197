"""configs/studies/smoke.yaml as a user runs it, on text from Debian's archive, from nothing to the page."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, read_json, sse_nmt_here

from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.runs.training_log import validation_curve

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("SSE_NMT_NETWORK" not in os.environ, reason="SSE_NMT_NETWORK does not allow downloads"),
    pytest.mark.timeout(1500),
]
STUDY = ROOT / "configs/studies/smoke.yaml"


def study(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sse_nmt", "study", str(STUDY), "--output", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Killed at five random moments, while text is prepared and while cells run, and started again each time."""
    folder, moments = tmp_path_factory.mktemp("smoke"), random.Random(1)
    for number in range(5):
        killed = study(folder)
        with contextlib.suppress(subprocess.TimeoutExpired):
            killed.communicate(timeout=moments.uniform(1, 8))
        killed.send_signal(signal.SIGTERM if number % 2 else signal.SIGKILL)
        killed.communicate(timeout=60)
        assert killed.returncode != 0
    last = study(folder)
    printed, errors = last.communicate(timeout=1200)
    assert last.returncode == 0, errors
    assert printed.rstrip().endswith("12 cells: 12 done")
    return folder


def test_killed_or_not_its_results_are_the_same_bytes(done, tmp_path):
    (tmp_path / "data").symlink_to(done / "data")
    sse_nmt_here("study", STUDY, "--output", tmp_path, "--only", "help-eu/sse_graph/1")
    one, other = (RunFolder(folder / "help-eu/sse_graph/1") for folder in (done, tmp_path))
    assert one.scored("test").hypotheses.read_bytes() == other.scored("test").hypotheses.read_bytes()
    assert read_json(one.scored("test").scores)["scores"] == read_json(other.scored("test").scores)["scores"]
    assert validation_curve(one.log) == validation_curve(other.log)


def test_its_page_needs_nothing_beside_itself(done, tmp_path):
    sse_nmt_here("study", STUDY, "--output", done, "--report", tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    told = read_json(tmp_path / "report.json")
    assert told["done"] == told["cells"] == 12 and len(told["verdicts"]) == 2 and page.count("<svg") == 3
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", page.replace('xlink:href="#', 'href="#'))
