"""Factorised layers against the plain ones: at full rank the same, below it the same as their product."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from sse_nmt.methods.factorized import FactorizedEmbedding, FactorizedLinear, FrobeniusDecay, spectral_init
from sse_nmt.methods.sse import apply_sse

IDS = torch.tensor([[3, 1, 0], [8, 3, 1]])


def linear(dtype: torch.dtype = torch.float64, **words) -> nn.Linear:
    torch.manual_seed(1)
    return nn.Linear(9, 7, dtype=dtype, **words)


def embedding(dtype: torch.dtype = torch.float64, **words) -> nn.Embedding:
    torch.manual_seed(1)
    return nn.Embedding(11, 6, padding_idx=1, dtype=dtype, **words)


@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_layer_at_full_rank_is_the_plain_one(bias):
    plain, x = linear(bias=bias), torch.randn(4, 3, 9, dtype=torch.float64, requires_grad=True)
    layer = FactorizedLinear.from_linear(plain, 7)
    assert (layer(x) - plain(x)).abs().max() < 1e-10
    gradients = [torch.autograd.grad(module(x).square().sum(), x)[0] for module in (layer, plain)]
    assert (gradients[0] - gradients[1]).abs().max() < 1e-10


def test_an_embedding_at_full_rank_is_the_plain_one():
    plain = embedding()
    layer = FactorizedEmbedding.from_embedding(plain, 6)
    assert (layer(IDS) - plain(IDS)).abs().max() < 1e-10
    assert layer(IDS).shape == (2, 3, 6)


@pytest.mark.parametrize("rank", [1, 3])
def test_below_full_rank_they_are_their_product(rank):
    plain, x = linear(), torch.randn(4, 9, dtype=torch.float64)
    layer = FactorizedLinear.from_linear(plain, rank)
    u, v = spectral_init(plain.weight, rank)
    torch.testing.assert_close(layer(x), x @ (u @ v.t()).t() + plain.bias, atol=1e-12, rtol=0)
    torch.testing.assert_close(layer.weight, u @ v.t(), atol=1e-12, rtol=0)
    table = embedding()
    narrow = FactorizedEmbedding.from_embedding(table, rank)
    u, v = spectral_init(table.weight, rank)
    torch.testing.assert_close(narrow(IDS), (u @ v.t())[IDS], atol=1e-12, rtol=0)
    torch.testing.assert_close(narrow.weight, u @ v.t(), atol=1e-12, rtol=0)
    assert (layer.rank, narrow.rank) == (rank, rank)


def test_a_linear_layer_merged():
    layer, x = FactorizedLinear(9, 7, 3, dtype=torch.float64).eval(), torch.randn(4, 9, dtype=torch.float64)
    plain = layer.merged()
    assert type(plain) is nn.Linear and plain.bias is layer.bias and not plain.training
    assert isinstance(plain.weight, nn.Parameter) and plain.weight.shape == (7, 9)
    torch.testing.assert_close(plain(x), layer(x), atol=1e-12, rtol=0)
    assert FactorizedLinear(9, 7, 3, bias=False).merged().bias is None


def test_an_embedding_merged():
    layer = FactorizedEmbedding(11, 6, 3, padding_idx=1, dtype=torch.float64)
    plain = layer.merged()
    assert type(plain) is nn.Embedding and isinstance(plain.weight, nn.Parameter)
    assert (plain.num_embeddings, plain.embedding_dim, plain.padding_idx) == (11, 6, 1)
    torch.testing.assert_close(plain(IDS), layer(IDS), atol=1e-12, rtol=0)
    assert plain.weight[1].eq(0).all()


@pytest.mark.parametrize("spectral", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_everything_of_the_plain_layer_is_taken_over(spectral, dtype):
    plain, table = linear(dtype).eval(), embedding(dtype).eval()
    plain.weight.requires_grad_(False)
    layer = FactorizedLinear.from_linear(plain, 4, spectral=spectral)
    narrow = FactorizedEmbedding.from_embedding(table, 4, spectral=spectral)
    assert layer.bias is plain.bias and not layer.training and not narrow.training
    assert not layer.left.requires_grad and not layer.right.requires_grad and layer.bias.requires_grad
    assert all(p.requires_grad for p in narrow.parameters()) and narrow.padding_idx == 1
    assert {p.dtype for m in (layer, narrow) for p in m.parameters()} == {dtype}
    assert {str(p.device) for m in (layer, narrow) for p in m.parameters()} == {"cpu"}
    assert layer(torch.zeros(2, 9, dtype=dtype)).dtype == narrow(IDS).dtype == dtype


def test_the_padding_row_stays_zero_in_training():
    layer = FactorizedEmbedding.from_embedding(embedding(), 4)
    decay = FrobeniusDecay([layer.pair()], 0.1)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    before = layer.weight.detach().clone()
    for _ in range(5):
        optimizer.zero_grad()
        layer(IDS).sub(1).square().sum().backward()
        decay.add_gradients_()
        optimizer.step()
    assert layer(torch.tensor([1])).eq(0).all() and layer.table.weight[1].eq(0).all()
    assert (layer.weight - before).abs().max() > 0.1
    assert layer.merged().weight[1].eq(0).all()


def test_without_spectral_initialisation_factors_begin_as_layers_of_their_shape():
    """Uniform within ±1/√fan-in has the standard deviation 1/√(3 fan-in); the table is N(0, 1)."""
    torch.manual_seed(1)
    layer = FactorizedLinear.from_linear(nn.Linear(400, 300), 100, spectral=False)
    narrow = FactorizedEmbedding.from_embedding(nn.Embedding(500, 300, padding_idx=1), 100, spectral=False)
    for factor, fan_in in ((layer.right, 400), (layer.left, 100), (narrow.projection, 100)):
        assert factor.abs().max() <= 1 / math.sqrt(fan_in)
        assert abs(factor.std() * math.sqrt(3 * fan_in) - 1) < 0.02
    assert abs(narrow.table.weight.std() - 1) < 0.02 and narrow.table.weight[1].eq(0).all()
    before = [p.detach().clone() for p in (*layer.parameters(), *narrow.parameters())]
    layer.reset_parameters()
    narrow.reset_parameters()
    after = [*layer.parameters(), *narrow.parameters()]
    assert all(not torch.equal(p, old) for p, old in zip(after, before, strict=True))
    assert narrow.table.weight[1].eq(0).all()


def test_around_the_very_parameters():
    table = FactorizedEmbedding(11, 6, 3)
    output = FactorizedLinear.from_factors(*table.factors())
    assert output.left is table.table.weight and output.right is table.projection and output.bias is None
    x = torch.randn(2, 6)
    torch.testing.assert_close(output(x), x @ table.weight.t())


def test_state_dicts_round_trip():
    for new, keys in [
        (lambda: FactorizedLinear(9, 7, 3), ["left", "right", "bias"]),
        (lambda: FactorizedLinear(9, 7, 3, bias=False), ["left", "right"]),
        (lambda: FactorizedEmbedding(11, 6, 3), ["projection", "table.weight"]),
    ]:
        one, other = new(), new()
        assert list(one.state_dict()) == keys
        other.load_state_dict(one.state_dict())
        assert torch.equal(one.weight, other.weight) and one.weight.ne(0).any()


def test_shared_embeddings_go_around_the_narrow_table():
    layer = FactorizedEmbedding(11, 6, 3)
    weight = layer.table.weight
    apply_sse(layer, 1.0)
    assert layer.table.weight is weight
    assert not torch.equal(layer(IDS), layer.weight[IDS])
    torch.testing.assert_close(layer.eval()(IDS), layer.weight[IDS])
    torch.testing.assert_close(layer.merged()(IDS), layer(IDS))


def test_automatic_mixed_precision():
    layer, narrow = FactorizedLinear(9, 7, 3), FactorizedEmbedding(11, 6, 3)
    with torch.autocast("cpu", torch.bfloat16):
        x, vectors = layer(torch.ones(2, 9)), narrow(IDS)
    assert x.dtype == vectors.dtype == torch.bfloat16
    (x.float().sum() + vectors.float().sum()).backward()
    assert {p.grad.dtype for p in (*layer.parameters(), *narrow.parameters())} == {torch.float32}


def test_they_are_traced_whole():
    """Dynamo alone, without a compiler behind it, sees whether a graph breaks."""
    layers = nn.Sequential(FactorizedEmbedding(11, 9, 3), FactorizedLinear(9, 7, 3))
    traced = torch.compile(layers, fullgraph=True, backend="eager")
    assert torch.equal(traced(IDS), layers(IDS))


def test_how_they_look():
    assert str(FactorizedLinear(9, 7, 3)) == "FactorizedLinear(in_features=9, out_features=7, rank=3, bias=True)"
    assert str(FactorizedEmbedding(11, 6, 3, padding_idx=1)).startswith(
        "FactorizedEmbedding(\n  11, 6, rank=3, padding_idx=1\n"
    )


@pytest.mark.parametrize(
    "refused, sentence",
    [
        (lambda: FactorizedLinear(9, 7, 8), "`rank` must be in [1, 7], but is 8 instead."),
        (lambda: FactorizedLinear.from_linear(linear(), 0), "`rank` must be in [1, 7], but is 0 instead."),
        (
            lambda: FactorizedLinear.from_linear(linear(), 8, spectral=False),
            "`rank` must be in [1, 7], but is 8 instead.",
        ),
        (lambda: FactorizedEmbedding(11, 6, 7), "`rank` must be in [1, 6], but is 7 instead."),
        (
            lambda: FactorizedEmbedding.from_embedding(embedding(max_norm=1.0), 3),
            "`embedding` must have no max_norm to be factorised, but has max_norm=1.0.",
        ),
        (
            lambda: FactorizedEmbedding.from_embedding(embedding(max_norm=0.0), 3),
            "`embedding` must have no max_norm to be factorised, but has max_norm=0.0.",
        ),
        (
            lambda: FactorizedEmbedding.from_embedding(embedding(sparse=True), 3),
            "`embedding` must have no sparse to be factorised, but has sparse=True.",
        ),
        (
            lambda: FactorizedEmbedding.from_embedding(embedding(scale_grad_by_freq=True), 3),
            "`embedding` must have no scale_grad_by_freq to be factorised, but has scale_grad_by_freq=True.",
        ),
    ],
)
def test_refusals(refused, sentence):
    with pytest.raises(ValueError) as error:
        refused()
    assert str(error.value) == sentence
