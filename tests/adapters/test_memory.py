"""Where memory is kept from step to step."""

from __future__ import annotations

import logging
import os
import sys

import pytest
import torch
from conftest import ROOT, SMALLER, sse_nmt

from sse_nmt.adapters import memory
from sse_nmt.adapters.memory import keep_memory_between_steps

KEPT = "memory freed in a step is kept for the next one (glibc's mallopt)"


@pytest.mark.parametrize("why", ["a GPU", "settings of the user's own"])
def test_it_is_not_done_where_it_is_not_wanted(monkeypatch, caplog, why):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: why == "a GPU")
    monkeypatch.setattr(memory, "keep_memory", lambda: False)  # as it answers then
    with caplog.at_level(logging.INFO):
        keep_memory_between_steps.__wrapped__()
    assert not caplog.messages


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc")
@pytest.mark.parametrize("own", [False, True], ids=["", "with settings of the user's own"])
def test_a_training_by_fairseqs_own_criterion_keeps_it(toy_data, tmp_path, own):
    run = tmp_path / "run"
    words = [*SMALLER, "--updates", "2", "--set", "common.log_interval=1"]
    settings = {"MALLOC_TRIM_THRESHOLD_": "131072"} if own else {}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    done = sse_nmt("train", toy_data, f"{ROOT}/configs/quickstart/rdrop.yaml={run}", *words, env={**clean, **settings})
    assert done.returncode == 0, done.stderr
    assert (run / "train.log").read_text().count(KEPT) == (0 if own else 1)
