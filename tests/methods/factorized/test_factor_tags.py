"""Marks on parameters: pairs are found among parameters in any order and under any name."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import torch
from torch import nn

from sse_nmt.methods.factorized import (
    AttentionHeads,
    FactorizedEmbedding,
    FactorizedLinear,
    FrobeniusDecay,
    copy_tags,
    tag,
    tagged_pairs,
    tags_of,
)


def model() -> nn.ModuleDict:
    torch.manual_seed(1)
    parts = nn.ModuleDict(
        {
            "embed": FactorizedEmbedding(11, 8, 3, padding_idx=1),
            "plain": nn.Linear(8, 8),
            "attention": nn.MultiheadAttention(8, 2),
            "inner": FactorizedLinear(8, 8, 4),
        }
    )
    for pair in AttentionHeads.of(parts["attention"]).pairs():
        tag(pair)
    return parts


def written_out(parts: nn.ModuleDict) -> torch.Tensor:
    attention = parts["attention"]
    q, k, v = (part.view(2, 4, 8) for part in attention.in_proj_weight.chunk(3))
    o = attention.out_proj.weight.view(8, 2, 4).transpose(0, 1)
    products = (parts["embed"].weight, parts["inner"].weight, q.mT @ k, o @ v)
    return 0.1 / 2 * sum(product.square().sum() for product in products).detach()


def test_pairs_are_found_among_parameters_in_any_order():
    parts = model()
    for parameters in (list(parts.parameters()), list(parts.parameters())[::-1]):
        pairs = tagged_pairs(parameters)
        assert len(pairs) == 4
        torch.testing.assert_close(FrobeniusDecay(pairs, 0.1).value(), written_out(parts))
    assert tags_of(parts["plain"].weight) == () and len(tags_of(parts["attention"].in_proj_weight)) == 3


def test_marking_again_or_meeting_a_parameter_twice_counts_once():
    parts = model()
    for pair in AttentionHeads.of(parts["attention"]).pairs():
        assert tag(pair) is pair
    tag(parts["inner"].pair())
    assert len(tagged_pairs([*parts.parameters(), *parts.parameters()])) == 4


def test_marks_stay_through_conversion():
    parts = model().bfloat16().to("cpu")
    assert len(tagged_pairs(parts.parameters())) == 4


@pytest.mark.parametrize("again", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_copies_of_factorised_layers_are_pairs_of_their_own(again):
    first = nn.ModuleList([FactorizedLinear(8, 8, 4), FactorizedEmbedding(11, 8, 3)])
    second = again(first)
    assert len(tagged_pairs(second.parameters())) == 2
    both = tagged_pairs([*first.parameters(), *second.parameters()])
    ids = {id(p) for p in second.parameters()}
    assert all((id(pair.left.parameter) in ids) == (id(pair.right.parameter) in ids) for pair in both)
    first_value, second_value = (FrobeniusDecay(tagged_pairs(m.parameters()), 1.0).value() for m in (first, second))
    assert first_value == second_value


def test_an_attention_keeps_its_marks_when_pickled_and_is_marked_after_copying():
    attention = model()["attention"]
    assert len(tagged_pairs(pickle.loads(pickle.dumps(attention)).parameters())) == 2
    copied = copy.deepcopy(attention)
    assert tagged_pairs(copied.parameters()) == []
    for pair in AttentionHeads.of(copied).pairs():
        tag(pair)
    assert len(tagged_pairs([*attention.parameters(), *copied.parameters()])) == 4


def test_master_copies_stand_for_parameters():
    """As fairseq's 16-bit optimisers keep them: float32 views of one flat tensor and of its gradient."""
    parts = model().bfloat16()
    sizes = [p.numel() for p in parts.parameters()]
    flat, gradient = torch.zeros(sum(sizes)), torch.zeros(sum(sizes))
    masters = []
    for p, numbers, grad in zip(parts.parameters(), flat.split(sizes), gradient.split(sizes), strict=True):
        numbers.copy_(p.detach().view(-1))
        master = numbers.view(p.shape).detach().requires_grad_()
        master.grad = grad.view(p.shape)
        copy_tags(p, master)
        masters.append(master)
    FrobeniusDecay(tagged_pairs(masters), 0.1).add_gradients_()
    exact = model().bfloat16().double()
    for p, numbers in zip(exact.parameters(), flat.split(sizes), strict=True):
        p.data.copy_(numbers.view(p.shape))
    FrobeniusDecay(tagged_pairs(exact.parameters()), 0.1).add_gradients_()
    expected = [torch.zeros_like(p) if p.grad is None else p.grad for p in exact.parameters()]
    torch.testing.assert_close(gradient.double(), torch.cat([e.view(-1) for e in expected]), atol=1e-6, rtol=1e-5)
    assert gradient.ne(0).any() and all(p.grad is None for p in parts.parameters())


def test_state_dicts_carry_no_marks():
    parts, file = model(), io.BytesIO()
    torch.save(parts.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    other = model()
    for p in other.parameters():
        nn.init.zeros_(p)
    other.load_state_dict(state)
    torch.testing.assert_close(written_out(other), written_out(parts))
    assert len(tagged_pairs(other.parameters())) == 4


def test_a_lonely_factor_is_refused():
    layer = FactorizedLinear(5, 6, 4)
    with pytest.raises(ValueError) as error:
        tagged_pairs([layer.left, layer.bias])
    assert str(error.value) == (
        "`parameters` must hold both factors of a product, but the partner of one of shape (6, 4) is missing."
    )
    assert tagged_pairs(nn.Linear(3, 3).parameters()) == []
