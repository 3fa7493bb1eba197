"""Products by oneDNN in plain PyTorch: who computes them, forward and backward, and that they are float32's."""

from __future__ import annotations

import sys

import pytest
import torch
from conftest import run_command
from torch.nn import functional

from sse_nmt.methods.precision import onednn, onednn_products

# Where torch asks oneDNN and that does not round.
possible = pytest.mark.skipif(
    not torch.cpu.get_capabilities().get("avx512_f") or torch.cpu.get_capabilities().get("amx_bf16"),
    reason="for processors with AVX-512 and without AMX",
)
PRODUCTS = """
import torch
from torch.nn import functional
from sse_nmt.methods.precision import onednn_products

def say(word):
    print(word, flush=True)

x, weight = torch.randn(300, 200, requires_grad=True), torch.randn(400, 200, requires_grad=True)
heads = torch.randn(2, 2, 90, 64, requires_grad=True)
with onednn_products(), torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
    say("forward")
    output = functional.linear(x, weight)
    say("backward")
    output.sum().backward()
    say("attention")
    attended = functional.scaled_dot_product_attention(heads, heads, heads)
    attended.sum().backward()
    say("end")
"""


@possible
def test_onednn_multiplies_forward_and_backward_but_not_attention():
    done = run_command(sys.executable, "-c", PRODUCTS)
    assert done.returncode == 0, done.stderr
    parts = done.stdout.split("forward\n")[1].split("backward\n")
    forward, (backward, attention) = parts[0], parts[1].split("attention\n")
    counts = [text.count(",matmul,") for text in (forward, backward, attention)]
    assert counts[0] >= 1 and counts[1] >= 2 and counts[2] == 0, counts


@possible
@pytest.mark.parametrize("training", [True, False])
def test_a_layer_computes_what_it_computed(training):
    torch.manual_seed(1)
    layer = torch.nn.TransformerEncoderLayer(256, 2, 512, dropout=0.0, batch_first=True).train(training)
    x, weights = torch.randn(2, 3, 90, 256)

    def gradients() -> dict[str, torch.Tensor]:
        layer.zero_grad()
        (layer(x) * weights).sum().backward()
        return {name: each.grad.clone() for name, each in layer.named_parameters() if each.grad is not None}

    expected = gradients()
    with onednn_products() as switched:
        assert switched
        found = gradients()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5 * float(value.abs().max()))


def test_all_is_as_before_afterwards_even_after_an_error():
    attention, switch = functional.scaled_dot_product_attention, torch.backends.mkldnn.matmul.fp32_precision
    with pytest.raises(RuntimeError, match="no"), onednn_products():
        raise RuntimeError("no")
    heads = torch.ones(1, 1, 2, 8)
    with pytest.raises(RuntimeError), onednn_products():
        functional.scaled_dot_product_attention(heads, heads, heads.double())
    assert functional.scaled_dot_product_attention is attention
    assert torch.backends.mkldnn.matmul.fp32_precision == switch


def test_where_onednn_rounds_nothing_changes(monkeypatch):
    monkeypatch.setattr(onednn, "_rounds", lambda: True)
    attention, switch = functional.scaled_dot_product_attention, torch.backends.mkldnn.matmul.fp32_precision
    with onednn_products() as switched:
        assert not switched
        assert functional.scaled_dot_product_attention is attention
        assert torch.backends.mkldnn.matmul.fp32_precision == switch


def test_rounding_is_noticed(monkeypatch):
    assert not onednn._rounds()
    product = torch.Tensor.__matmul__
    monkeypatch.setattr(
        torch.Tensor, "__matmul__", lambda one, other: product(one.bfloat16().float(), other.bfloat16().float())
    )
    assert onednn._rounds()
