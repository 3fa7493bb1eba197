"""Spectral initialisation against the singular values themselves, re-balancing against the products."""

from __future__ import annotations

import pytest
import torch

from sse_nmt.methods.factorized import Factor, FactorPair, Layout, rank_for, spectral_balance_, spectral_init


def matrix(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(7, 5), (5, 7), (6, 6)])
@pytest.mark.parametrize("rank", [1, 3, 5])
def test_best_approximation_of_its_rank_and_balanced(shape, rank):
    """Eckart and Young: the squared error is the sum of the squared singular values that were left out."""
    weight = matrix(*shape)
    u, v = spectral_init(weight, rank)
    values = torch.linalg.svdvals(weight)
    assert u.shape == (shape[0], rank) and v.shape == (shape[1], rank)
    error = (weight - u @ v.t()).square().sum()
    torch.testing.assert_close(error, values[rank:].square().sum(), atol=1e-12, rtol=1e-12)
    for factor in (u, v):
        torch.testing.assert_close(factor.t() @ factor, values[:rank].diag(), atol=1e-12, rtol=0)


@pytest.mark.parametrize("dtype, error", [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.05)])
def test_full_rank_gives_the_matrix_in_its_own_type(dtype, error):
    weight = matrix(9, 6).to(dtype).requires_grad_()
    u, v = spectral_init(weight, 6)
    assert u.dtype == v.dtype == dtype and not u.requires_grad and u.is_contiguous() and v.is_contiguous()
    assert (u.double() @ v.double().t() - weight.double()).abs().max() < error


def test_zero_rows_and_columns_stay_exactly_zero():
    weight = matrix(7, 5)
    weight[2], weight[:, 3] = 0.0, 0.0
    u, v = spectral_init(weight, 4)
    assert u[2].eq(0).all() and v[3].eq(0).all() and u[1].ne(0).all() and v[1].ne(0).all()


@pytest.mark.parametrize(
    "weight, rank, sentence",
    [
        (matrix(4), 1, "`weight` must be a matrix, but has the shape (4,) instead."),
        (matrix(4, 3), 0, "`rank` must be in [1, 3], but is 0 instead."),
        (matrix(4, 3), 4, "`rank` must be in [1, 3], but is 4 instead."),
        (torch.full((4, 3), torch.nan), 2, "`weight` must be finite, but has infinite numbers or NaN in it."),
        (torch.full((4, 3), torch.inf), 2, "`weight` must be finite, but has infinite numbers or NaN in it."),
    ],
)
def test_what_has_no_such_factors_is_refused(weight, rank, sentence):
    with pytest.raises(ValueError) as error:
        spectral_init(weight, rank)
    assert str(error.value) == sentence


def test_ranks():
    assert [rank_for((512, 2048), s) for s in (1.0, 0.5, 0.25, 1e-9)] == [512, 256, 128, 1]
    assert rank_for(torch.Size([37, 10]), 0.37) == 4
    for shape, scale, sentence in [
        ((5, 5), 0.0, "`scale` must be in (0, 1], but is 0.0 instead."),
        ((5, 5), 1.5, "`scale` must be in (0, 1], but is 1.5 instead."),
        ((5, 5), float("nan"), "`scale` must be in (0, 1], but is nan instead."),
        ((5,), 0.5, "`shape` must be that of a matrix, but is (5,) instead."),
    ]:
        with pytest.raises(ValueError) as error:
            rank_for(shape, scale)
        assert str(error.value) == sentence


@pytest.mark.parametrize("left, right", [(9, 7), (4, 11), (2, 3)], ids=["wide", "even", "heads wider than their input"])
def test_rebalancing_keeps_the_product_of_every_head(left, right):
    heads, inner = 3, 4
    a, b = matrix(heads * inner, left), 10 * matrix(heads * inner, right, seed=2)
    before = a.view(heads, inner, left).mT @ b.view(heads, inner, right)
    pair = FactorPair(Factor(a, Layout(heads)), Factor(b, Layout(heads)))
    spectral_balance_(pair)
    now_a, now_b = a.view(heads, inner, left), b.view(heads, inner, right)
    torch.testing.assert_close(now_a.mT @ now_b, before, atol=1e-10, rtol=0)
    values = torch.zeros(heads, inner, dtype=torch.float64)
    values[:, : min(inner, left, right)] = torch.linalg.svdvals(before)[:, :inner]
    for now in (now_a, now_b):
        torch.testing.assert_close(now @ now.mT, values.diag_embed(), atol=1e-10, rtol=0)


def test_rebalancing_factors_of_a_low_rank_weight():
    u, v = matrix(8, 3), matrix(5, 3, seed=2)
    before = u @ v.t()
    spectral_balance_(FactorPair.of_columns(u, v))
    torch.testing.assert_close(u @ v.t(), before, atol=1e-12, rtol=0)
    torch.testing.assert_close(u.t() @ u, v.t() @ v, atol=1e-12, rtol=0)
    again = [u.clone(), v.clone()]
    spectral_balance_(FactorPair.of_columns(u, v))
    torch.testing.assert_close(u @ v.t(), again[0] @ again[1].t(), atol=1e-12, rtol=0)
