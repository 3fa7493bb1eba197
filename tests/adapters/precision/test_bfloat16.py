"""`--cpu-bf16`: matrix products in bfloat16, attention, losses and parameters in float32."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT, run_command
from fairseq_training import ON_CPU, same_parameters, train
from torch.nn import functional

from sse_nmt.adapters.precision.bfloat16 import announce, in_bfloat16
from sse_nmt.system.errors import OptionError

FUSED = ("--criterion", "fused_label_smoothed_cross_entropy", "--label-smoothing", "0.1")
pytestmark = pytest.mark.skipif(not ON_CPU, reason="it is for processors")


@pytest.fixture(scope="module")
def data(toy_data: Path) -> Path:
    return toy_data / "bin"


@pytest.mark.slow
@pytest.mark.parametrize("criterion", [FUSED, (*FUSED, "--loss-chunk-tokens", "50")], ids=["whole", "in chunks"])
def test_it_learns_what_float32_learns_and_resumes_bit_equal(data, tmp_path, criterion):
    words = ["--fast-dropout", "--update-freq", "2"]
    exact = train(data, tmp_path / "exact", *words, updates=12, criterion=criterion, validate=True)
    words.append("--cpu-bf16")
    half = train(data, tmp_path / "half", *words, updates=12, criterion=criterion, validate=True)
    assert half["model"].keys() == exact["model"].keys() and not same_parameters(half, exact)
    assert {value.dtype for value in half["model"].values() if value.is_floating_point()} == {torch.float32}
    best = [float(each["extra_state"]["best"]) for each in (exact, half)]
    assert best[0] == pytest.approx(best[1], rel=0.02)
    train(data, tmp_path / "resumed", *words, updates=7, criterion=criterion)
    assert same_parameters(half, train(data, tmp_path / "resumed", *words, updates=12, criterion=criterion))


def test_products_are_in_bfloat16_and_attention_is_not(data, tmp_path, monkeypatch):
    """In training alone: validation is in float32, as without the option."""
    attention, linear = functional.scaled_dot_product_attention, torch.nn.Linear.forward
    types: dict[tuple[str, bool], set[torch.dtype]] = {}

    def spy_attention(query, *rest, **named):
        types.setdefault(("attention", torch.is_grad_enabled()), set()).add(query.dtype)
        return attention(query, *rest, **named)

    def spy_linear(self, input):
        output = linear(self, input)
        types.setdefault(("linear", torch.is_grad_enabled()), set()).add(output.dtype)
        return output

    monkeypatch.setattr(functional, "scaled_dot_product_attention", spy_attention)
    monkeypatch.setattr(torch.nn.Linear, "forward", spy_linear)
    train(data, tmp_path, "--cpu-bf16", updates=3, validate=True)
    assert types == {
        ("attention", True): {torch.float32},
        ("linear", True): {torch.bfloat16},
        ("attention", False): {torch.float32},
        ("linear", False): {torch.float32},
    }
    assert functional.scaled_dot_product_attention is spy_attention


def test_on_another_device_it_is_refused():
    with pytest.raises(
        OptionError, match="^`--cpu-bf16` is for a training on CPU, but this one is on meta: use `--bf16`.$"
    ):
        in_bfloat16(print)(None, {"target": torch.zeros(1, device="meta")})


@pytest.mark.parametrize("faster", [True, False])
def test_it_says_where_it_may_be_slower(caplog, monkeypatch, faster):
    monkeypatch.setattr("sse_nmt.adapters.precision.bfloat16.bfloat16_is_faster", lambda: faster)
    with caplog.at_level(logging.INFO):
        announce()
    assert caplog.messages[0].startswith("matrix products in bfloat16")
    assert (len(caplog.messages) == 1) == faster


PRODUCTS = """
import torch
torch.manual_seed(1)
ids, weight, bias = torch.randn(40, 64), torch.randn(90, 64, requires_grad=True), torch.randn(90, requires_grad=True)
with torch.autocast("cpu", torch.bfloat16):
    output = torch.nn.functional.linear(ids, weight, bias)
    batched = torch.bmm(ids.view(4, 10, 64), ids.view(4, 64, 10))
output.float().square().sum().backward()
written = torch.mm(ids.bfloat16(), ids.bfloat16().t(), out=torch.empty(40, 40, dtype=torch.bfloat16))
torch.save([output, batched, written, weight.grad, bias.grad, ids @ ids.t()], "FILE")
"""


def test_rounded_products_are_those_of_bfloat16(tmp_path):
    """results/cpu_bf16/rounded, for processors on which a training in bfloat16 takes too long."""
    found = []
    for name, folder in (("own", ""), ("rounded", str(ROOT / "results/cpu_bf16/rounded"))):
        code = PRODUCTS.replace("FILE", str(tmp_path / name))
        assert run_command(sys.executable, "-c", code, env={**os.environ, "PYTHONPATH": folder}).returncode == 0
        found.append(torch.load(tmp_path / name))
    for own, rounded in zip(*found, strict=True):
        assert own.dtype == rounded.dtype
        torch.testing.assert_close(rounded, own, rtol=2**-7, atol=0.05)  # a rounding, where sums are in another order
        assert (rounded != own).double().mean() < 0.02
