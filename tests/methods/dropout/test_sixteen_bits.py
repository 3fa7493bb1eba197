"""The distribution of the masks, and what they do to numbers and gradients."""

from __future__ import annotations

import pytest
import torch

from sse_nmt.methods.dropout import dropout_16bit


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(1)


@pytest.mark.parametrize("p", [0.003, 0.1, 0.3, 0.5, 0.9])
def test_drops_with_probability_p_and_keeps_the_mean(p):
    n = 1_000_000
    y = dropout_16bit(torch.ones(n, dtype=torch.float64), p, seeded())
    dropped = round(p * 65536) / 65536
    assert set(y.unique().tolist()) == {0.0, 65536 / (65536 - round(p * 65536))}
    assert abs((y == 0).double().mean() - dropped) < 4 * (dropped * (1 - dropped) / n) ** 0.5
    assert abs(y.mean() - 1) < 4 * (dropped / (1 - dropped) / n) ** 0.5


def test_the_four_numbers_of_one_draw_are_independent():
    """Chi-squared over the sixteen joint outcomes; 37.7 is its 0.1 % point at 15 degrees of freedom."""
    dropped = dropout_16bit(torch.ones(400_000), 0.25, seeded()).eq(0).view(-1, 4).long()
    outcomes = dropped @ torch.tensor([1, 2, 4, 8])
    found = outcomes.bincount(minlength=16).double()
    ones = torch.tensor([bin(k).count("1") for k in range(16)])
    expected = 100_000 * 0.25**ones * 0.75 ** (4 - ones)
    assert float(((found - expected) ** 2 / expected).sum()) < 37.7


def test_the_limits_are_exact():
    x = torch.randn(5)
    assert torch.equal(dropout_16bit(x, 0.0), x) and torch.equal(dropout_16bit(x, 1.0), torch.zeros(5))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 5), (2, 3, 11)])
def test_shapes_types_and_gradients(dtype, shape):
    x = torch.rand(shape, generator=seeded(), dtype=torch.float64).add(1).to(dtype).requires_grad_()
    y = dropout_16bit(x, 0.5, seeded())
    assert y.shape == x.shape and y.dtype == dtype
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient, y.detach().ne(0).to(dtype) * 2)


def test_the_input_stays_as_it_is_and_strides_do_not_matter():
    x = torch.rand(6, 4, generator=seeded()) + 1
    before = x.clone()
    y = dropout_16bit(x.t(), 0.5, seeded())
    assert torch.equal(x, before) and torch.equal(y[y != 0], (2 * x.t())[y != 0]) and (y == 0).any()


def test_the_generator_is_the_only_randomness():
    x = torch.ones(1000)
    assert torch.equal(dropout_16bit(x, 0.3, seeded()), dropout_16bit(x, 0.3, seeded()))
    state = torch.get_rng_state()
    dropout_16bit(x, 0.3, seeded())
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_probabilities_outside_0_1_are_refused(p):
    with pytest.raises(ValueError) as error:
        dropout_16bit(torch.ones(3), p)
    assert str(error.value) == f"`p` must be in [0, 1], but is {p} instead."
