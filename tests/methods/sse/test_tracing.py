"""Compilers take the perturbed look-up whole: no host synchronisation, no data-dependent shape."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

from sse_nmt.methods.sse import GraphTransition, KnowledgeGraph, SSEEmbedding, Transition, UniformTransition, apply_sse

RING = KnowledgeGraph.from_edges(
    32, torch.arange(32), torch.arange(1, 33) % 32, torch.linspace(0.1, 1, 32), symmetric=True
)
CANDIDATES = {"range": range(4, 32), "scattered": range(4, 32, 3)}


def complete(candidates: range) -> Transition:
    return UniformTransition(32, 0.25, candidates)


def knowledge(candidates: range) -> Transition:
    return GraphTransition(32, 0.25, RING, candidates, neighbour_mass=0.5)


KINDS = [complete, knowledge]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "candidates"), [(complete, range(4, 32)), (knowledge, range(4, 32, 3))])
def test_compiles_as_one_graph_for_any_shape(kind, candidates):
    torch.manual_seed(1)
    embedding = SSEEmbedding(nn.Embedding(32, 4), kind(candidates))
    compiled = torch.compile(embedding, fullgraph=True, dynamic=True)
    for shape in ((40, 50), (7, 3)):
        ids = torch.randint(32, shape)
        vectors = compiled(ids)
        rows = torch.cdist(vectors.reshape(-1, 4), embedding.weight).argmin(1).view(shape)
        assert torch.equal(embedding.weight[rows], vectors)  # every vector is a row of the table
        candidates = torch.isin(ids, embedding.transition.candidates)
        changed = rows != ids
        assert not changed[~candidates].any()
        if ids.numel() > 1000:
            assert 0.2 < changed[candidates].double().mean() < 0.3
    embedding.eval()
    assert torch.equal(compiled(ids), embedding.weight[ids])


@pytest.mark.slow
def test_gradients_through_the_compiled_look_up():
    embedding = SSEEmbedding(nn.Embedding(32, 4), UniformTransition(32, 1.0, range(4, 32)))
    torch.compile(embedding, fullgraph=True)(torch.arange(32)).sum().backward()
    assert embedding.weight.grad.sum() == pytest.approx(32 * 4)


def test_built_and_run_on_fake_tensors():
    with FakeTensorMode():
        model = apply_sse(nn.Sequential(nn.Embedding(32, 4), nn.Linear(4, 3)), special_ids=(0, 1))
        scores = model(torch.zeros(5, 6, dtype=torch.long))
        near = SSEEmbedding(nn.Embedding(32, 4), knowledge(range(4, 32)))(torch.zeros(5, 6, dtype=torch.long))
    assert scores.shape == (5, 6, 3) and near.shape == (5, 6, 4)


@pytest.mark.parametrize("candidates", CANDIDATES.values(), ids=CANDIDATES)
@pytest.mark.parametrize("kind", KINDS)
def test_traced_with_symbolic_shapes(kind, candidates):
    transition = kind(candidates)
    trace = make_fx(lambda ids: transition.sample(ids), tracing_mode="symbolic", _allow_non_fake_inputs=True)
    graph = trace(torch.zeros(5, 6).long())
    names = {str(node.target) for node in graph.graph.nodes}
    assert "aten.scatter_.src" in names
    assert not names & {"aten._local_scalar_dense.default", "aten.nonzero.default", "aten.masked_select.default"}


@pytest.mark.parametrize("kind", KINDS)
def test_meta_device_keeps_shapes(kind):
    graph = kind(range(4, 32)).to("meta")
    drawn = graph.sample(torch.empty(5, 6, dtype=torch.long, device="meta"))
    assert drawn.shape == (5, 6) and drawn.device.type == "meta"
