"""Keeping freed memory, seen from the faults that a process pays for new pages."""

from __future__ import annotations

import os
import platform
import sys

import pytest
from conftest import run_command

from sse_nmt.system.machine import cores

FAULTS = """
import resource, sys
from sse_nmt.system.memory import keep_memory
kept = keep_memory() if sys.argv[1] == "keep" else None
import torch
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
model = torch.nn.Sequential(torch.nn.Linear(16, 20_000), torch.nn.ReLU(), torch.nn.Linear(20_000, 16))
def steps():  # of a training whose activations have 40 MB and more
    for rows in (600, 500, 700):
        model.zero_grad()
        model(torch.ones(rows, 16)).sum().backward()
steps()
steps()
before = faults()
steps()
print(kept, faults() - before)
"""
glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc can be told so")


CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}


def faults(word: str) -> tuple[str, int]:
    done = run_command(sys.executable, "-c", FAULTS, word, env=CLEAN)
    kept, count = done.stdout.split()
    return kept, int(count)


@pytest.mark.slow
@glibc
def test_kept_memory_costs_no_new_pages():
    left, (kept, count) = faults("leave")[1], faults("keep")
    assert kept == "True" and left > 5000 and count < left / 3


@glibc
@pytest.mark.parametrize(
    ("name", "kept"), [("MALLOC_MMAP_THRESHOLD_", "False"), ("GLIBC_TUNABLES", "False"), ("X", "True")]
)
def test_the_user_s_own_settings_are_left_alone(name, kept):
    code = "from sse_nmt.system.memory import keep_memory; print(keep_memory())"
    assert run_command(sys.executable, "-c", code, env={**CLEAN, name: ""}).stdout.strip() == kept


def test_there_is_a_core():
    assert cores() >= 1
