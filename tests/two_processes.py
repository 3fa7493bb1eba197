"""A program in two processes, which meet over gloo."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conftest import run_command

_MEETING = """
import sys
from torch import distributed

rank = int(sys.argv[2])
distributed.init_process_group("gloo", init_method=sys.argv[1], world_size=2, rank=rank)
"""


def in_two_processes(code: str, folder: Path) -> list[subprocess.CompletedProcess[str]]:
    """``code`` after both have met; it knows its ``rank``, and `distributed`."""

    def run(rank: int) -> subprocess.CompletedProcess[str]:
        program = f"{_MEETING}{code}\ndistributed.destroy_process_group()\n"
        return run_command(sys.executable, "-c", program, f"file://{folder}/meeting", str(rank))

    with ThreadPoolExecutor() as pool:
        return list(pool.map(run, range(2)))
