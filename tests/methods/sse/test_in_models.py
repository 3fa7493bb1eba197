"""SSE in models as users have them: aliases, resized and empty tables, wrappers, scripting, and the way back."""

from __future__ import annotations

import copy
import pickle
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel

from sse_nmt.methods.sse import GraphTransition, KnowledgeGraph, SSEEmbedding, UniformTransition, apply_sse, remove_sse

IDS = torch.randint(4, 20, (5, 7), generator=torch.Generator().manual_seed(1))


class Marianlike(nn.Module):
    """One module in three places; looked up through two of them, never through the one that is named."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Embedding(20, 6)
        self.encoder, self.decoder = nn.Module(), nn.Module()
        self.encoder.embed_tokens = self.decoder.embed_tokens = self.shared
        self.embed_positions = nn.Embedding(9, 6)

    def forward(self, ids):
        places = torch.arange(ids.shape[1])
        return self.encoder.embed_tokens(ids) + self.decoder.embed_tokens(ids) + self.embed_positions(places)


def test_every_place_of_a_named_module_is_shared():
    model = Marianlike()
    keys, plain = list(model.state_dict()), model.eval()(IDS)
    apply_sse(model.train(), 1.0, names=["shared"])
    assert isinstance(model.encoder.embed_tokens, SSEEmbedding) and type(model.embed_positions) is nn.Embedding
    assert (model(IDS) != plain).any(-1).all() and torch.equal(model.eval()(IDS), plain)
    assert list(model.state_dict()) == keys
    assert model.shared.weight is model.encoder.embed_tokens.weight is model.decoder.embed_tokens.weight


def test_what_is_no_token_table_is_left_alone_and_named():
    model = Marianlike()
    model.bag = nn.EmbeddingBag(20, 6)
    model.relative_attention_bias = nn.Embedding(32, 4)
    with pytest.warns(
        UserWarning, match=r"left without SSE: embed_positions, relative_attention_bias, bag; `names` can"
    ):
        apply_sse(model)
    assert type(model.embed_positions) is type(model.relative_attention_bias) is nn.Embedding
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        apply_sse(Marianlike(), names=["embed_positions"])


def test_the_way_back():
    model = Marianlike()
    before, weights = model.shared, model.shared.weight
    apply_sse(model, 0.5, names=["shared"])
    remove_sse(model)
    assert model.shared is before is model.encoder.embed_tokens is model.decoder.embed_tokens
    assert before.weight is weights
    embedding = nn.Embedding(20, 6)
    assert remove_sse(apply_sse(embedding)) is embedding


def test_the_probability_may_be_set_anew():
    transition = UniformTransition(20, 0.0, range(4, 20))
    transition.prob = 1.0
    assert (transition.sample(IDS) != IDS).all()
    transition.prob = 0.0
    assert torch.equal(transition.sample(IDS), IDS)
    transition.prob = 0.25
    many = torch.full((40_000,), 7)
    assert (transition.sample(many) != many).float().mean() == pytest.approx(0.25, abs=0.01)
    assert transition.probabilities()[7, 7] == 0.75
    with pytest.raises(ValueError, match=r"^`prob` must be in \[0, 1\], but is 2 instead\.$"):
        transition.prob = 2


@pytest.mark.parametrize("rows", [12, 30])
def test_a_resized_table_is_refused_until_sse_is_put_in_anew(rows):
    embedding = apply_sse(nn.Embedding(20, 6))
    embedding.weight = nn.Parameter(torch.randn(rows, 6))
    with pytest.raises(ValueError, match=f"^The table has {rows} rows, but its transition is for 20: put SSE in after"):
        embedding(torch.tensor([3]))
    plain = remove_sse(embedding)
    assert plain.num_embeddings == rows and apply_sse(plain, 1.0)(torch.tensor([3])).shape == (1, 6)


@pytest.mark.parametrize("kind", ["complete", "knowledge"])
def test_a_model_that_was_empty_draws_as_any_other(kind):
    graph = KnowledgeGraph.from_edges(
        20, torch.tensor([4, 5]), torch.tensor([6, 7]), torch.tensor([0.5, 1.0]), symmetric=True
    )
    along = {} if kind == "complete" else {"graph": graph, "neighbour_mass": 0.5}
    made = apply_sse(nn.Embedding(20, 6), 0.5, special_ids=[0, 9], **along)
    with torch.device("meta"):
        empty = apply_sse(nn.Embedding(20, 6), 0.5, special_ids=[0, 9], **along)
    assert empty.transition.candidates.is_meta
    filled = empty.to_empty(device="cpu")
    assert torch.equal(filled.transition.probabilities(), made.transition.probabilities())
    drawn = [each.transition.sample(IDS, torch.Generator().manual_seed(1)) for each in (made, filled)]
    assert torch.equal(*drawn)


@pytest.mark.parametrize("special", [-1, 20])
def test_special_ids_outside_the_tables_are_refused(special):
    with pytest.raises(ValueError, match=rf"^`special_ids` must be in \[0, 20\), but {special} is among them\.$"):
        apply_sse(nn.Embedding(20, 6), special_ids=[special])


def test_a_transition_has_no_buffers_to_average_or_send():
    model = apply_sse(nn.Sequential(nn.Embedding(20, 6), nn.Linear(6, 2)), 0.5)
    assert not list(model.buffers())
    average = AveragedModel(model, use_buffers=True)
    for _ in range(3):
        average.update_parameters(model)
    assert torch.equal(average.module[0].transition.candidates, torch.arange(20))
    assert torch.equal(copy.deepcopy(model).eval()(IDS), pickle.loads(pickle.dumps(model)).eval()(IDS))
    half = model.half()[0].transition
    assert half.candidates.dtype == torch.long


def test_vmap_draws_for_each():
    embedding = apply_sse(nn.Embedding(20, 6), 1.0)
    weights = torch.stack([embedding.weight.detach()] * 3)

    def looked_up(weight):
        return torch.func.functional_call(embedding, {"weight": weight}, (IDS,))

    found = torch.func.vmap(looked_up, randomness="different")(weights)
    assert found.shape == (3, 5, 7, 6) and not torch.equal(found[0], found[1])


def test_a_generator_of_one_s_own():
    def draw(seed: int) -> torch.Tensor:
        embedding = apply_sse(nn.Embedding(20, 6), 0.5, generator=torch.Generator().manual_seed(seed))
        return embedding.transition.sample(IDS, embedding.generator_for(IDS.device))

    one, other = draw(1), draw(2)
    assert torch.equal(one, draw(1)) and not torch.equal(one, other)


def test_a_model_is_scripted_once_sse_is_out():
    model = apply_sse(nn.Sequential(nn.Embedding(20, 6), nn.Linear(6, 2)), 0.5).eval()
    with pytest.raises(
        RuntimeError, match=r"^A model with SSE cannot be scripted: take SSE out first, with `remove_sse`"
    ):
        torch.jit.script(model)
    assert isinstance(model[0], SSEEmbedding)
    expected = model(IDS)
    assert torch.equal(torch.jit.script(remove_sse(model))(IDS), expected)


def test_knowledge_graph_draws_its_own_matrix_after_moving():
    graph = KnowledgeGraph.from_edges(20, torch.tensor([4, 5]), torch.tensor([6, 7]), symmetric=True)
    transition = GraphTransition(20, 0.5, graph, rho=30.0)
    before = transition.probabilities()
    assert torch.equal(transition.to(torch.float16).to("cpu").probabilities(), before)
    assert torch.equal(F.one_hot(transition.sample(torch.tensor([4]))).sum(), torch.tensor(1))
