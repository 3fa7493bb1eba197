"""Where `sse-nmt train` has oneDNN multiply matrices."""

from __future__ import annotations

import logging

import pytest
import torch

from sse_nmt.adapters.precision import onednn

SWITCH = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]


@pytest.fixture
def amd(monkeypatch):
    known = {**torch.cpu.get_capabilities(), "cpu_name": "AMD EPYC 9755", "avx512_bf16": True, "avx_vnni": True}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)
    monkeypatch.setattr("sse_nmt.methods.precision.onednn._rounds", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return monkeypatch


def switched(caplog) -> bool:
    with caplog.at_level(logging.INFO), onednn.products_of_this_machine():
        found = SWITCH.fp32_precision == "bf16"
    assert bool(caplog.messages) == found
    return found


def test_it_is_said_where_it_is_done(caplog, amd):
    assert switched(caplog)
    assert caplog.messages == ["matrix products in float32 by oneDNN, which is faster on this processor than MKL"]


@pytest.mark.parametrize("why", ["a GPU", "another processor", "it rounds"])
def test_it_is_not_done_where_it_does_not_pay(caplog, amd, why):
    if why == "a GPU":
        amd.setattr(torch.cuda, "is_available", lambda: True)
    elif why == "another processor":
        amd.setattr(torch.cpu, "get_capabilities", lambda: {"cpu_name": "Intel(R) Xeon(R)"})
    else:
        amd.setattr("sse_nmt.methods.precision.onednn._rounds", lambda: True)
    assert not switched(caplog)
