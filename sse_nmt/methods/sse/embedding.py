"""An `nn.Embedding` whose look-ups go through a transition in training, and how to put it into a model."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from sse_nmt.methods.perturbed_embedding import PerturbedEmbedding, perturb_embeddings, remove_perturbations
from sse_nmt.methods.sse.graph_transition import GraphTransition
from sse_nmt.methods.sse.knowledge_graph import KnowledgeGraph
from sse_nmt.methods.sse.transition import Transition
from sse_nmt.methods.sse.uniform_transition import UniformTransition


class SSEEmbedding(PerturbedEmbedding):
    """An existing embedding with Stochastic Shared Embeddings: Algorithm 1 of Wu et al. (2019).

    Args:
        embedding: the table, (V, D).
        transition: what the ids are drawn from; made for V rows.
        generator: as for `PerturbedEmbedding`.

    Raises:
        TypeError: ``embedding`` is no nn.Embedding, or one with a look-up or hooks of its own.
        ValueError: the transition is for another number of rows.
    """

    METHOD, REMOVER, ATTRIBUTE = "SSE", "remove_sse", "transition"

    def __init__(
        self, embedding: nn.Embedding, transition: Transition, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(embedding, transition, generator)

    @property
    def transition(self) -> Transition:
        assert isinstance(self.perturbation, Transition)
        return self.perturbation


def apply_sse(
    module: nn.Module,
    prob: float = 0.01,
    *,
    names: Iterable[str] | None = None,
    special_ids: Iterable[int] = (),
    graph: KnowledgeGraph | None = None,
    rho: float | None = None,
    neighbour_mass: float | None = None,
    generator: torch.Generator | None = None,
) -> nn.Module:
    """Put SSE into any model, in place: each nn.Embedding in it becomes an `SSEEmbedding`.

    Args:
        module: the model; if it is itself an embedding, use what is returned.
        prob: the probability p0 of eq. (3) and (5).
        names: which embeddings, by their name in ``module.named_modules()``, each wherever else in the module it
            stands. All of them when None, but for those whose names speak of positions, types or segments, which
            are no tokens: a warning names what is left alone.
        special_ids: ids that take no part in any of them (end of sentence, …). ``padding_idx`` never does.
        graph, rho, neighbour_mass: SSE-Graph instead of SSE-SE; as for `GraphTransition`.
        generator: to draw from; see `SSEEmbedding`.

    Returns:
        The module.

    Raises:
        ValueError: no embedding found, a name that is none, or a special id outside the tables; and what
            `SSEEmbedding`, `UniformTransition` and `GraphTransition` raise.
    """

    def transition(embedding: nn.Embedding, candidates: list[int]) -> Transition:
        return sse_transition(embedding.num_embeddings, prob, candidates, graph, rho, neighbour_mass)

    return perturb_embeddings(module, SSEEmbedding, transition, names, special_ids, generator)


def sse_transition(
    num_embeddings: int,
    prob: float,
    candidates: Iterable[int],
    graph: KnowledgeGraph | None = None,
    rho: float | None = None,
    neighbour_mass: float | None = None,
) -> Transition:
    """SSE-Graph where there is a graph, else SSE-SE. Raises ValueError for what goes without one, and as they do."""
    if graph is not None:
        return GraphTransition(num_embeddings, prob, graph, candidates, rho=rho, neighbour_mass=neighbour_mass)
    if not (rho is None and neighbour_mass is None):
        raise ValueError("`rho` and `neighbour_mass` must come with a `graph`, but there is none.")
    return UniformTransition(num_embeddings, prob, candidates)


def remove_sse(module: nn.Module) -> nn.Module:
    """Take SSE out again, in place: every `SSEEmbedding` becomes the embedding that it was made of.

    Returns:
        The module; if it is itself an embedding, use what is returned.
    """
    return remove_perturbations(module, SSEEmbedding)
