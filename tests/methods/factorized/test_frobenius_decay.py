"""The penalty and its gradients against autograd of the penalty written out, product, heads and all."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from sse_nmt.methods.factorized import AttentionHeads, Factor, FactorPair, FrobeniusDecay, Layout

DECAY, HEADS = 0.3, 3


def parameter(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 1) -> nn.Parameter:
    generator = torch.Generator().manual_seed(seed)
    return nn.Parameter(torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype))


def factors(dtype: torch.dtype = torch.float64) -> tuple[list[nn.Parameter], list[FactorPair]]:
    u, v = parameter(9, 4, dtype=dtype), parameter(7, 4, dtype=dtype, seed=2)
    return [u, v], [FactorPair.of_columns(u, v)]


def apart(dtype: torch.dtype = torch.float64) -> tuple[list[nn.Parameter], list[FactorPair]]:
    """Queries, keys, values of inputs of different widths, and the output."""
    shapes = [(12, 12), (12, 5), (12, 8), (12, 12)]
    q, k, v, o = weights = [parameter(*shape, dtype=dtype, seed=i) for i, shape in enumerate(shapes)]
    layout = Layout(HEADS)
    heads = AttentionHeads(*(Factor(w, layout) for w in (q, k, v)), Factor(o, Layout(HEADS, inner=1)))
    return weights, list(heads.pairs())


def packed(dtype: torch.dtype = torch.float64) -> tuple[list[nn.Parameter], list[FactorPair]]:
    attention = nn.MultiheadAttention(12, HEADS, dtype=dtype)
    return [attention.in_proj_weight, attention.out_proj.weight], list(AttentionHeads.of(attention).pairs())


def of_factors(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return DECAY / 2 * (u @ v.t()).square().sum()


def of_heads(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, o: torch.Tensor) -> torch.Tensor:
    """(λ/2) Σ_h ‖Q_hᵀ K_h‖² + (λ/2) Σ_h ‖O_h V_h‖², head by head."""
    total = q.new_zeros(())
    for first, last in pairwise(range(0, len(q) + 1, len(q) // HEADS)):
        total = total + (q[first:last].t() @ k[first:last]).square().sum()
        total = total + (o[:, first:last] @ v[first:last]).square().sum()
    return DECAY / 2 * total


def of_packed(qkv: torch.Tensor, o: torch.Tensor) -> torch.Tensor:
    return of_heads(*qkv.chunk(3), o)


forms = pytest.mark.parametrize(
    "made, written_out", [(factors, of_factors), (apart, of_heads), (packed, of_packed)], ids=["UV", "heads", "packed"]
)


@forms
def test_value_and_gradients_are_those_of_the_written_penalty(made, written_out):
    parameters, pairs = made()
    decay = FrobeniusDecay(pairs, DECAY)
    expected = written_out(*parameters)
    gradients = torch.autograd.grad(expected, parameters)
    assert abs(decay.value() - expected) < 1e-10 and not decay.value().requires_grad
    assert abs(decay.add_gradients_() - expected) < 1e-10
    for p, gradient in zip(parameters, gradients, strict=True):
        assert (p.grad - gradient).abs().max() < 1e-10


def test_the_penalty_of_ones_by_hand():
    """U, V of ones, 2 x 1 and 3 x 1: six ones, so (0.5 / 2) 6; ∂U = 0.5 · 3 and ∂V = 0.5 · 2."""
    u, v = nn.Parameter(torch.ones(2, 1)), nn.Parameter(torch.ones(3, 1))
    decay = FrobeniusDecay([FactorPair.of_columns(u, v)], 0.5)
    assert decay.add_gradients_() == 1.5
    assert u.grad.tolist() == [[1.5]] * 2 and v.grad.tolist() == [[1.0]] * 3


@forms
def test_added_once_to_what_several_backward_calls_gathered(made, written_out):
    parameters, pairs = made()
    for step in range(3):
        sum((p * (step + 1)).square().sum() for p in parameters).backward()
    before = [p.grad.clone() for p in parameters]
    places = [p.grad.data_ptr() for p in parameters]
    FrobeniusDecay(pairs, DECAY).add_gradients_(scale=8.0)
    gradients = torch.autograd.grad(written_out(*parameters), parameters)
    for p, old, gradient, place in zip(parameters, before, gradients, places, strict=True):
        torch.testing.assert_close(p.grad, old + 8 * gradient, atol=1e-10, rtol=0)
        assert p.grad.data_ptr() == place


@forms
@pytest.mark.parametrize("mixed", [False, True], ids=["", "within autocast"])
@pytest.mark.parametrize("dtype, error", [(torch.float32, 1e-6), (torch.bfloat16, 2**-8), (torch.float16, 2**-11)])
def test_computed_in_float32_and_rounded_once(made, written_out, dtype, error, mixed):
    """Half a unit in the last place of the type is all that a gradient is off."""
    parameters, pairs = made(dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        value = FrobeniusDecay(pairs, DECAY).add_gradients_()
    exact = [p.detach().double().requires_grad_() for p in parameters]
    expected = written_out(*exact)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value.double(), expected.detach(), rtol=1e-5, atol=0)
    for p, gradient in zip(parameters, torch.autograd.grad(expected, exact), strict=True):
        assert p.grad.dtype == dtype
        off = (p.grad.double() - gradient).abs() - error * gradient.abs()
        assert off.max() < 1e-5


def test_a_frozen_factor_gets_no_gradient_and_its_partner_does():
    (u, v), pairs = factors()
    u.requires_grad_(False)
    FrobeniusDecay(pairs, DECAY).add_gradients_()
    assert u.grad is None
    torch.testing.assert_close(v.grad, DECAY * v.detach() @ (u.t() @ u), atol=1e-10, rtol=0)


def test_steps_along_it_are_those_of_autograd_and_shrink_the_product():
    (u, v), pairs = factors()
    decay = FrobeniusDecay(pairs, DECAY)
    optimizer = torch.optim.SGD([{"params": decay.parameters(), "weight_decay": 0.0}], lr=0.01)
    values = []
    for _ in range(20):
        optimizer.zero_grad()
        values.append(decay.add_gradients_())
        optimizer.step()
    other_u, other_v = factors()[0]
    other = torch.optim.SGD([other_u, other_v], lr=0.01)
    for _ in range(20):
        other.zero_grad()
        of_factors(other_u, other_v).backward()
        other.step()
    torch.testing.assert_close(u, other_u, atol=1e-10, rtol=0)
    assert all(later < earlier for earlier, later in pairwise(values))


def test_the_sum_of_pairs_and_each_parameter_once():
    (u, v), pairs = factors()
    qkvo, more = apart()
    decay = FrobeniusDecay(pairs + more, DECAY)
    assert [id(p) for p in decay.parameters()] == [id(p) for p in (u, v, qkvo[0], qkvo[1], qkvo[3], qkvo[2])]
    torch.testing.assert_close(decay.value(), (of_factors(u, v) + of_heads(*qkvo)).detach())
    assert len(FrobeniusDecay(packed()[1], DECAY).parameters()) == 2


def test_zero_is_no_decay():
    (u, v), pairs = factors()
    assert FrobeniusDecay(pairs, 0.0).add_gradients_() == 0
    assert u.grad.eq(0).all() and v.grad.eq(0).all()


def test_refusals():
    (u, v), pairs = factors()
    for refused, sentence in [
        (lambda: FrobeniusDecay([], 0.1), "`pairs` must hold at least one pair, but is empty."),
        (lambda: FrobeniusDecay(pairs, -1.0), "`decay` must be at least 0 and finite, but is -1.0 instead."),
        (lambda: FrobeniusDecay(pairs, torch.inf), "`decay` must be at least 0 and finite, but is inf instead."),
        (lambda: FrobeniusDecay(pairs, torch.nan), "`decay` must be at least 0 and finite, but is nan instead."),
        (
            lambda: FrobeniusDecay(packed()[1][:1], 0.1),
            "`pairs` must hold a packed weight whole, but hold 24 of 36 rows instead.",
        ),
        (lambda: Factor(u, Layout(2)), "`heads` must divide 9, but is 2 instead."),
        (lambda: Factor(u, Layout(0)), "`heads` must divide 9, but is 0 instead."),
        (
            lambda: FactorPair(Factor(u), Factor(v)),
            "`left` and `right` must agree in heads and their size, but have (1, 9) and (1, 7) instead.",
        ),
    ]:
        with pytest.raises(ValueError) as error:
            refused()
        assert str(error.value) == sentence
    u.grad = torch.zeros_like(u).to_sparse()
    with pytest.raises(ValueError, match=r"^The gradient of a factor must be dense, but is sparse instead\.$"):
        FrobeniusDecay(pairs, 0.1).add_gradients_()
