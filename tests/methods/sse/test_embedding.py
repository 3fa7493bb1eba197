"""The shared embedding: a plain one outside training, the same Parameter, the same keys."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sse_nmt.methods.sse import KnowledgeGraph, SSEEmbedding, UniformTransition, apply_sse


def shared(prob: float = 0.5, **arguments) -> SSEEmbedding:
    torch.manual_seed(1)
    return SSEEmbedding(nn.Embedding(20, 6, **arguments), UniformTransition(20, prob, range(4, 20)))


def test_same_parameter_and_same_keys():
    embedding = nn.Embedding(20, 6, padding_idx=1)
    wrapped = SSEEmbedding(embedding, UniformTransition(20, 0.5))
    assert wrapped.weight is embedding.weight
    assert wrapped.state_dict().keys() == embedding.state_dict().keys()
    assert (wrapped.num_embeddings, wrapped.embedding_dim, wrapped.padding_idx) == (20, 6, 1)


def test_evaluation_is_a_plain_look_up():
    embedding, ids = shared(1.0).eval(), torch.randint(20, (5, 7))
    assert torch.equal(embedding(ids), F.embedding(ids, embedding.weight))
    assert torch.equal(embedding(ids), embedding(ids))


def test_probability_0_is_a_plain_look_up_and_draws_nothing():
    embedding, ids = shared(0.0).train(), torch.randint(20, (5, 7))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(embedding(ids), F.embedding(ids, embedding.weight))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("candidates", [range(4, 20), [4, 9, 19]])
@pytest.mark.parametrize("outside", [-1, 20])
def test_an_id_outside_the_table_is_no_other_row_s(candidates, outside):
    """Of a plain table it is an error; -1 would be the last row of a tensor."""
    embedding = SSEEmbedding(nn.Embedding(20, 6), UniformTransition(20, 1.0, candidates)).train()
    with pytest.raises(IndexError):
        embedding(torch.tensor([5, outside]))


def test_forward_and_backward_see_the_replacing_row():
    embedding, ids = shared(1.0), torch.tensor([0, 5, 6])
    torch.manual_seed(3)
    vectors = embedding(ids)
    torch.manual_seed(3)
    drawn = embedding.transition.sample(ids)
    assert torch.equal(vectors, F.embedding(drawn, embedding.weight))
    vectors.sum().backward()
    assert embedding.weight.grad.sum(1).nonzero().flatten().tolist() == sorted(drawn.tolist())


def test_padding_gets_no_gradient():
    embedding = shared(1.0, padding_idx=1)
    embedding(torch.tensor([1, 1, 5])).sum().backward()
    assert embedding.weight.grad[1].abs().sum() == 0


def test_refuses_what_it_would_change():
    class Scaled(nn.Embedding):
        def forward(self, input):
            return 2 * super().forward(input)

    hooked = nn.Embedding(20, 6)
    hooked.register_forward_hook(lambda *_: None)
    graph = UniformTransition(20, 0.5)
    for embedding, sentence in [
        (nn.Linear(2, 2), "`embedding` must be an nn.Embedding, but is a Linear instead."),
        (shared(), "`embedding` must be plain, but has SSE already."),
        (Scaled(20, 6), "`embedding` must be looked up as nn.Embedding does, but Scaled has a look-up of its own."),
        (hooked, "`embedding` must carry no hooks, which would be lost, but this Embedding has some."),
    ]:
        with pytest.raises(TypeError) as error:
            SSEEmbedding(embedding, graph)
        assert str(error.value) == sentence
    with pytest.raises(ValueError) as wrong_size:
        SSEEmbedding(nn.Embedding(21, 6), graph)
    assert (
        str(wrong_size.value) == "`transition` must be for 21 rows, the size of the embedding, but is for 20 instead."
    )


class Translator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.source = nn.Embedding(20, 16, padding_idx=1)
        self.target = nn.Embedding(20, 16, padding_idx=1)
        self.positions = nn.Embedding(50, 16)
        self.transformer = nn.Transformer(16, 2, 1, 1, 32, dropout=0.0, batch_first=True)
        self.output = nn.Linear(16, 20, bias=False)
        self.output.weight = self.target.weight

    def forward(self, source, target):
        places = self.positions(torch.arange(source.shape[1]))
        return self.output(self.transformer(self.source(source) + places, self.target(target)))


def test_apply_sse_in_a_plain_transformer():
    model = Translator()
    keys, parameters = list(model.state_dict()), [id(p) for p in model.parameters()]
    assert apply_sse(model, 0.5, names=["source", "target"], special_ids=[0, 2, 3]) is model
    assert list(model.state_dict()) == keys and [id(p) for p in model.parameters()] == parameters
    assert model.output.weight is model.target.weight
    assert type(model.positions) is nn.Embedding
    assert model.source.transition.candidates.tolist() == list(range(4, 20))
    ids = torch.randint(4, 20, (3, 8))
    assert not torch.equal(model(ids, ids), model(ids, ids))
    model.eval()
    assert torch.equal(model(ids, ids), model(ids, ids))


def test_apply_sse_along_a_graph():
    each = torch.arange(4, 20)
    graph = KnowledgeGraph.from_edges(20, each, torch.roll(each, 1))
    model = apply_sse(
        Translator(), 1.0, names=["source", "target"], special_ids=[0, 2, 3], graph=graph, neighbour_mass=1.0
    )
    assert torch.equal(model.source(each), model.source.weight[torch.roll(each, 1)])
    assert model.source.transition is not model.target.transition


def test_apply_sse_takes_all_by_default_and_one_module_in_two_places_twice():
    model = nn.ModuleDict({"a": nn.Embedding(9, 2), "b": nn.Linear(2, 2)})
    model["c"] = model["a"]
    apply_sse(model)
    assert isinstance(model["a"], SSEEmbedding) and isinstance(model["c"], SSEEmbedding)
    assert model["a"] is not model["c"] and model["a"].weight is model["c"].weight
    assert model["a"].transition.prob == 0.01


def test_apply_sse_returns_a_bare_embedding_shared():
    embedding = nn.Embedding(9, 2)
    assert apply_sse(embedding).weight is embedding.weight


def test_apply_sse_refuses_and_leaves_the_model_as_it_was():
    model = Translator()
    for arguments, sentence in [
        ({"names": ["source", "sauce"]}, "`names` must name embeddings of Translator, but 'sauce' is none of them."),
        ({"names": ["source"], "prob": 2}, "`prob` must be in [0, 1], but is 2 instead."),
        ({"rho": 2}, "`rho` and `neighbour_mass` must come with a `graph`, but there is none."),
        ({"special_ids": range(19)}, "`candidates` must hold at least two rows, but holds 1 instead."),
    ]:
        with pytest.raises(ValueError) as error:
            apply_sse(model, **arguments)
        assert str(error.value) == sentence
        assert type(model.source) is nn.Embedding
    with pytest.raises(ValueError, match=r"^`module` must contain an nn\.Embedding, but Linear has none\.$"):
        apply_sse(nn.Linear(2, 2))


def test_training_mode_is_taken_over():
    embedding = nn.Embedding(20, 6).eval()
    assert not SSEEmbedding(embedding, UniformTransition(20, 0.5)).training
