"""Factorising a whole model and multiplying it out again, ties kept."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from sse_nmt.methods.factorized import (
    AttentionHeads,
    FactorizedEmbedding,
    FactorizedLinear,
    FrobeniusDecay,
    factorize,
    merge_factors,
    tag,
    tagged_pairs,
)
from sse_nmt.methods.sse import apply_sse

IDS = torch.randint(2, 20, (3, 8), generator=torch.Generator().manual_seed(1))


class Translator(nn.Module):
    """A Transformer whose target embedding is its output projection too."""

    def __init__(self, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.source = nn.Embedding(20, 16, padding_idx=1)
        self.target = nn.Embedding(20, 16, padding_idx=1)
        self.transformer = nn.Transformer(16, 2, 1, 2, 24, dropout=0.0, batch_first=True)
        self.output = nn.Linear(16, 20)
        self.output.weight = self.target.weight
        self.to(dtype)

    def forward(self, source, target):
        return self.output(self.transformer(self.source(source), self.target(target)))


FEED_FORWARD = [
    f"transformer.{side}.layers.{layer}.linear{i}"
    for side, layer in (("encoder", 0), ("decoder", 0), ("decoder", 1))
    for i in (1, 2)
]


def of_kind(module: nn.Module, kind: type) -> list[str]:
    return [name for name, child in module.named_modules() if type(child) is kind]


def test_full_rank_leaves_the_outputs_as_they_were():
    model = Translator()
    before = model(IDS, IDS)
    assert factorize(model, 1.0) is model
    assert sorted(of_kind(model, FactorizedLinear)) == sorted([*FEED_FORWARD, "output"])
    assert of_kind(model, FactorizedEmbedding) == ["source", "target"]
    assert (model(IDS, IDS) - before).abs().max() < 1e-10


@pytest.mark.parametrize("spectral", [True, False])
def test_merged_it_computes_the_same(spectral):
    model = factorize(Translator(), 0.5, spectral=spectral)
    before, numbers = model(IDS, IDS), sum(p.numel() for p in model.parameters())
    assert merge_factors(model) is model
    assert (model(IDS, IDS) - before).abs().max() < 1e-10
    plain = Translator()
    assert list(model.state_dict()) == list(plain.state_dict())
    assert model.output.weight is model.target.weight and model.target.padding_idx == 1
    assert numbers < sum(p.numel() for p in model.parameters()) == sum(p.numel() for p in plain.parameters())
    plain.load_state_dict(model.state_dict())
    assert (plain(IDS, IDS) - before).abs().max() < 1e-10


def test_named_layers_only():
    model = factorize(Translator(), 0.5, names=["source", FEED_FORWARD[0]])
    assert of_kind(model, FactorizedLinear) == [FEED_FORWARD[0]] and of_kind(model, FactorizedEmbedding) == ["source"]
    assert model.source.rank == 8 and model.get_submodule(FEED_FORWARD[0]).rank == 8
    model = factorize(Translator(), 0.25, names=lambda name: name.endswith(("linear1", "linear2")))
    assert of_kind(model, FactorizedLinear) == FEED_FORWARD and not of_kind(model, FactorizedEmbedding)
    assert {model.get_submodule(name).rank for name in FEED_FORWARD} == {4}


def test_attention_is_left_to_its_own_projections():
    model = factorize(Translator(), 0.5)
    assert len(of_kind(model, nn.MultiheadAttention)) == 5
    assert all(m.out_proj.weight.shape == (16, 16) for m in model.modules() if isinstance(m, nn.MultiheadAttention))


def test_fused_inference_sees_the_product():
    """In evaluation PyTorch's encoder layers read ``linear1.weight`` instead of calling the layer."""
    model = factorize(Translator(), 0.5).eval()
    with torch.no_grad():
        fused = model(IDS, IDS)
    assert (fused - model(IDS, IDS)).abs().max() < 1e-10


@pytest.mark.parametrize("names", [None, ["output", "target"], ["target", "output"]])
@pytest.mark.parametrize("spectral", [True, False])
def test_tied_layers_share_their_factors(names, spectral):
    model = factorize(Translator(), 0.5, names=names, spectral=spectral)
    assert model.output.left is model.target.table.weight and model.output.right is model.target.projection
    assert model.output.bias is not None and model.target.padding_idx == 1
    assert model.target.table.weight[1].eq(0).all()
    if not spectral:
        assert model.target.table.weight.std() > 0.8, "the start of an embedding, not of a linear layer"


@pytest.mark.parametrize("again", [lambda model: model, copy.deepcopy])
def test_each_product_is_decayed_once_tied_or_not(again):
    model = again(factorize(Translator(), 0.5))
    pairs = tagged_pairs(model.parameters())
    assert len(pairs) == len(FEED_FORWARD) + 2
    for module in model.modules():
        if isinstance(module, nn.MultiheadAttention):
            for pair in AttentionHeads.of(module).pairs():
                tag(pair)
    assert len(tagged_pairs(model.parameters())) == len(pairs) + 2 * 5
    weights = [model.source.weight, model.target.weight, *(model.get_submodule(name).weight for name in FEED_FORWARD)]
    expected = 0.1 / 2 * sum(weight.square().sum() for weight in weights)
    torch.testing.assert_close(FrobeniusDecay(pairs, 0.1).value(), expected.detach())


def test_decay_beside_the_loss_is_the_gradient_of_their_sum():
    """Two backward calls, then the penalty, against autograd of everything through the products."""
    model, other = factorize(Translator(), 0.5), factorize(Translator(), 0.5)
    for module in (model, other):
        for _ in range(2):
            module(IDS, IDS).square().mean().backward()
    value = FrobeniusDecay(tagged_pairs(model.parameters()), 0.1).add_gradients_()
    layers = [other.source, other.target, *(other.get_submodule(name) for name in FEED_FORWARD)]
    penalty = 0.1 / 2 * sum(layer.weight.square().sum() for layer in layers)
    penalty.backward()
    assert abs(value - penalty) < 1e-10
    for (name, p), q in zip(model.named_parameters(), other.parameters(), strict=True):
        assert (p.grad - q.grad).abs().max() < 1e-10, name


def test_one_layer_in_two_places_stays_one():
    model = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Embedding(5, 4)})
    model["c"] = model["a"]
    factorize(model, 0.5)
    assert model["a"] is model["c"] and isinstance(model["a"], FactorizedLinear)
    merge_factors(model)
    assert model["a"] is model["c"] and type(model["a"]) is nn.Linear


def test_factorising_in_two_goes_and_sharing_embeddings_after():
    model = factorize(Translator(), 0.5, names=["source"])
    factorize(model, 0.25)
    assert model.source.rank == 8 and model.target.rank == 4
    apply_sse(model, 0.5, names=["source.table", "target.table"])
    assert not torch.equal(model(IDS, IDS), model(IDS, IDS))
    assert len(tagged_pairs(model.parameters())) == len(FEED_FORWARD) + 2
    before = model.eval()(IDS, IDS)
    assert (merge_factors(model)(IDS, IDS) - before).abs().max() < 1e-10


def test_bare_layers_are_returned():
    assert isinstance(factorize(nn.Linear(4, 4), 0.5), FactorizedLinear)
    assert type(merge_factors(factorize(nn.Embedding(4, 4), 0.5))) is nn.Embedding


def test_state_dicts_round_trip():
    one, other = factorize(Translator(), 0.5), factorize(Translator(), 0.5, spectral=False)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(IDS, IDS), other(IDS, IDS))


def test_refuses_and_leaves_the_model_as_it_was():
    tied = (
        "`module` must share weights between factorised layers only, but {} shares that of {} and stays whole."
    ).format
    for arguments, sentence in [
        ({"names": ["target"]}, tied("'output'", "'target'")),
        ({"names": ["output", "source"]}, tied("'target'", "'output'")),
        (
            {"names": ["source", "transformer"]},
            "`names` must name nn.Linear or nn.Embedding layers of Translator, but 'transformer' is none of them.",
        ),
        ({"names": []}, "`names` must choose a layer of Translator, but choose none."),
        ({"names": lambda name: False}, "`names` must choose a layer of Translator, but choose none."),
        ({"scale": 0.0}, "`scale` must be in (0, 1], but is 0.0 instead."),
    ]:
        model = Translator()
        with pytest.raises(ValueError) as error:
            factorize(model, **{"scale": 0.5, **arguments})
        assert str(error.value) == sentence
        assert not of_kind(model, FactorizedLinear) and not of_kind(model, FactorizedEmbedding)


def test_refuses_what_would_be_lost_and_what_is_not_there():
    hooked, shared = Translator(), apply_sse(Translator(), 0.5, names=["target"])
    hooked.output.register_forward_hook(lambda *_: None)
    bad = Translator()
    bad.transformer.decoder.layers[1].linear2.weight.data[0, 0] = torch.nan
    for refused, sentence in [
        (lambda: factorize(hooked, 0.5), "`module` must have no hooks on layers to factorise, but 'output' has some."),
        (
            lambda: factorize(shared, 0.5),
            "`module` must share weights between factorised layers only, but 'target' shares that of 'output' "
            "and stays whole.",
        ),
        (lambda: factorize(bad, 0.5), "`weight` must be finite, but has infinite numbers or NaN in it."),
        (
            lambda: factorize(nn.ReLU(), 0.5),
            "`module` must contain an nn.Linear or nn.Embedding, but ReLU has none.",
        ),
        (lambda: merge_factors(nn.Linear(2, 2)), "`module` must contain factorised layers, but Linear has none."),
    ]:
        with pytest.raises(ValueError) as error:
            refused()
        assert str(error.value) == sentence
    assert not of_kind(bad, FactorizedLinear)
