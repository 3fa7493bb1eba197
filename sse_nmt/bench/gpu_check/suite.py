"""The project's own tests of fairseq's tasks, with their trainings on the GPU."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import sse_nmt
from sse_nmt.bench.gpu_check.findings import Finding
from sse_nmt.system.child_processes import start_child

PART = "tests"
_ROOT = Path(sse_nmt.__file__).parent.parent
_SELECTED = ("tests/tasks", "tests/adapters")
_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped)")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
ON_THE_GPU = "SSE_NMT_TEST_GPU"  # in the environment: the tests' own trainings leave `--cpu` out


def check_suite(folder: Path) -> Iterator[Finding]:
    """One line for all that passed, and one for each test that did not; the whole story is in ``folder``/tests.log."""
    if not all((_ROOT / name).is_dir() for name in _SELECTED):
        yield Finding(PART, "not run: this is no checkout", None)
        return
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "tests.log"
    processes = str(max(1, min(8, (os.cpu_count() or 1) // 2)))
    command = [sys.executable, "-m", "pytest", "--slow", "-v", "-n", processes, "--tb=short", *_SELECTED]
    with (
        log.open("w", encoding="utf-8") as output,
        start_child(command, _ROOT, {ON_THE_GPU: "1"}, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        status = process.wait()
    printed = log.read_text(encoding="utf-8", errors="replace")
    counts: dict[str, float | str] = {kind: int(count) for count, kind in _COUNT.findall(printed[-2000:])}
    yield Finding(PART, " ".join(_SELECTED), status == 0, counts)
    for name in sorted(set(_FAILED.findall(printed))):
        yield Finding(PART, name, False)
