"""Re-balanced heads compute what they computed before, biases and further keys and values included."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sse_nmt.methods.factorized import AttentionHeads, FrobeniusDecay

WIDTH, HEADS = 24, 4


def attention(dtype: torch.dtype = torch.float32, **words) -> nn.MultiheadAttention:
    torch.manual_seed(1)
    made = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True, dtype=dtype, **words)
    for name, parameter in made.named_parameters():
        if "bias" in name:
            nn.init.normal_(parameter, std=0.5)
    return made


def inputs(module: nn.MultiheadAttention) -> tuple[torch.Tensor, ...]:
    dtype = module.out_proj.weight.dtype
    return tuple(torch.randn(3, n, w, dtype=dtype) for n, w in ((5, WIDTH), (7, module.kdim), (7, module.vdim)))


@pytest.mark.parametrize("dtype, error", [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize(
    "words",
    [{}, {"kdim": 10, "vdim": 17}, {"bias": False}, {"add_bias_kv": True}, {"add_zero_attn": True}],
    ids=["packed", "apart", "no biases", "further key and value", "zero key"],
)
@pytest.mark.parametrize("training", [True, False])
def test_rebalancing_keeps_what_attention_computes(words, dtype, error, training):
    module = attention(dtype, **words).train(training)
    query, key, value = inputs(module)
    before, weights_before = module(query, key, value)
    parameters = {name: p.detach().clone() for name, p in module.named_parameters()}
    AttentionHeads.of(module).spectral_balance_()
    after, weights_after = module(query, key, value)
    assert (after - before).abs().max() < error and (weights_after - weights_before).abs().max() < error
    for name, p in module.named_parameters():
        moved = (p - parameters[name]).abs().max()
        assert moved == 0 if name == "out_proj.bias" else moved > 0.01, name


def test_turning_the_weights_alone_would_not_do():
    """Why biases turn with them: the terms with one bias in the logits do change otherwise."""
    module = attention()
    query, key, value = inputs(module)
    before = module(query, key, value)[0]
    bias = module.in_proj_bias.detach().clone()
    AttentionHeads.of(module).spectral_balance_()
    module.in_proj_bias.data.copy_(bias)
    assert (module(query, key, value)[0] - before).abs().max() > 0.01


@pytest.mark.parametrize("words", [{"bias": False}, {"bias": False, "kdim": 10, "vdim": 17}], ids=["packed", "apart"])
def test_both_factors_of_a_head_end_alike(words):
    module = attention(torch.float64, **words)
    heads = AttentionHeads.of(module)
    heads.spectral_balance_()
    for pair in heads.pairs():
        left, right = pair.left.matrices(), pair.right.matrices()
        assert left.shape[:2] == (HEADS, WIDTH // HEADS)
        torch.testing.assert_close(left @ left.mT, right @ right.mT, atol=1e-12, rtol=0)


def test_with_biases_it_is_the_factors_with_their_biases_that_end_alike():
    heads = AttentionHeads.of(attention(torch.float64))
    heads.spectral_balance_()
    for left, right in [
        ((heads.query, *heads.query_biases), (heads.key, *heads.key_biases)),
        ((heads.output,), (heads.value, *heads.value_biases)),
    ]:
        a, b = (torch.cat([factor.matrices() for factor in side], -1) for side in (left, right))
        torch.testing.assert_close(a @ a.mT, b @ b.mT, atol=1e-12, rtol=0)


def test_four_linear_layers_are_the_packed_weight_in_parts():
    module = attention(torch.float64, add_bias_kv=True)
    linears = [nn.Linear(WIDTH, WIDTH, dtype=torch.float64) for _ in range(4)]
    weights, biases = module.in_proj_weight.detach().chunk(3), module.in_proj_bias.detach().chunk(3)
    for linear, weight, bias in zip(linears, weights, biases, strict=False):
        linear.weight.data.copy_(weight)
        linear.bias.data.copy_(bias)
    linears[3].load_state_dict(module.out_proj.state_dict())
    further = [nn.Parameter(p.detach().clone()) for p in (module.bias_k, module.bias_v)]
    apart = AttentionHeads.of_linears(*linears, HEADS, *further)
    together = AttentionHeads.of(module)
    decays = [FrobeniusDecay(heads.pairs(), 0.1) for heads in (apart, together)]
    torch.testing.assert_close(decays[0].value(), decays[1].value())
    for heads in (apart, together):
        heads.spectral_balance_()
    for linear, weight, bias in zip(
        linears, module.in_proj_weight.chunk(3), module.in_proj_bias.chunk(3), strict=False
    ):
        torch.testing.assert_close(linear.weight, weight, atol=1e-12, rtol=0)
        torch.testing.assert_close(linear.bias, bias, atol=1e-12, rtol=0)
    torch.testing.assert_close(linears[3].weight, module.out_proj.weight, atol=1e-12, rtol=0)
    torch.testing.assert_close(further[0], module.bias_k, atol=1e-12, rtol=0)
    torch.testing.assert_close(further[1], module.bias_v, atol=1e-12, rtol=0)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match=r"^`heads` must divide 10, but is 3 instead\.$"):
        AttentionHeads.of_linears(*(nn.Linear(10, 10) for _ in range(4)), 3)
