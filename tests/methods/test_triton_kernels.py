"""Triton's kernels without a GPU: interpreted against torch, and compiled."""

from __future__ import annotations

import os
import sys

import pytest
from conftest import run_command

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="Triton is for Linux")]


@pytest.mark.parametrize("what", ["draws", "losses", "compiled"])
def test_kernels(what):
    """In a process of its own, since Triton asks once whether it is to interpret.

    Interpreted, draws must be what the torch form draws, bit for bit, and losses and gradients as near to those of the
    torch form as the type allows. Compiled, for GPUs that need not be there, each variant must become machine code.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    if what != "compiled":
        environment["TRITON_INTERPRET"] = "1"
    done = run_command(sys.executable, "-m", f"kernel_{what}", env=environment)
    assert done.returncode == 0, done.stderr
    assert "every case" in done.stdout
