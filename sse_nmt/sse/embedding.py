"""An `nn.Embedding` whose look-ups go through a transition in training, and how to put it into a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

from sse_nmt.sse.graph import Graph
from sse_nmt.sse.knowledge_graph import KnowledgeGraph
from sse_nmt.sse.transition import CompleteGraph, Transition


class SharedEmbedding(nn.Embedding):
    """An existing embedding with Stochastic Shared Embeddings: Algorithm 1 of Wu et al. (2019).

    In training mode every id goes through ``transition.sample`` before the look-up, so forward and backward
    both see the replacing row; in evaluation mode it is a plain look-up. It holds the *same* Parameter as
    ``embedding``: weight tying, optimisers and state-dict keys stay as they were.

    Args:
        embedding: the table, (V, D).
        transition: what the ids are drawn from; made for V rows.

    Raises:
        TypeError: ``embedding`` is no nn.Embedding, or one with a look-up or hooks of its own.
        ValueError: the transition is for another number of rows.
    """

    def __init__(self, embedding: nn.Embedding, transition: Transition) -> None:
        _check_plain(embedding)
        if transition.num_embeddings != embedding.num_embeddings:
            raise ValueError(
                f"`transition` must be for {embedding.num_embeddings} rows, the size of the embedding, "
                f"but is for {transition.num_embeddings} instead."
            )
        super().__init__(
            embedding.num_embeddings,
            embedding.embedding_dim,
            padding_idx=embedding.padding_idx,
            max_norm=embedding.max_norm,
            norm_type=embedding.norm_type,
            scale_grad_by_freq=embedding.scale_grad_by_freq,
            sparse=embedding.sparse,
            _weight=embedding.weight,
        )
        self.weight = embedding.weight  # nn.Embedding made a new Parameter of it: we want the very same one
        self.transition = transition.to(embedding.weight.device)
        self.train(embedding.training)

    def generator_for(self, device: torch.device) -> torch.Generator | None:
        """The generator to draw from on ``device``; None is torch's default one. For subclasses."""
        return None

    def forward(self, input: Tensor) -> Tensor:
        """Ids (*) -> vectors (*, D)."""
        if self.training:
            input = self.transition.sample(input, self.generator_for(input.device))
        return self.look_up(input)

    def look_up(self, input: Tensor) -> Tensor:
        """Ids (*) -> vectors (*, D), without a draw."""
        return super().forward(input)


def share_embeddings(
    module: nn.Module,
    prob: float = 0.01,
    *,
    names: Iterable[str] | None = None,
    special_ids: Iterable[int] = (),
    graph: Graph | None = None,
    rho: float | None = None,
    neighbour_mass: float | None = None,
) -> nn.Module:
    """Put SSE into any model, in place: each nn.Embedding in it becomes a `SharedEmbedding`.

    Args:
        module: the model; if it is itself an embedding, use what is returned.
        prob: the probability p0 of eq. (3) and (5).
        names: which embeddings, by their name in ``module.named_modules()``; all of them when None. Name them
            where the model also embeds positions or segments, which are no tokens.
        special_ids: ids that take no part in any of them (end of sentence, …). ``padding_idx`` never does.
        graph, rho, neighbour_mass: SSE-Graph instead of SSE-SE; as for `KnowledgeGraph`.

    Returns:
        The module.

    Raises:
        ValueError: no embedding found, or a name that is none; and what `SharedEmbedding`, `CompleteGraph` and
            `KnowledgeGraph` raise.
    """
    found = dict(_embeddings(module))
    wanted = list(found) if names is None else list(names)
    for name in wanted:
        if name not in found:
            raise ValueError(f"`names` must name embeddings of {type(module).__name__}, but {name!r} is none of them.")
    if not wanted:
        raise ValueError(f"`module` must contain an nn.Embedding, but {type(module).__name__} has none.")
    if graph is None and not (rho is None and neighbour_mass is None):
        raise ValueError("`rho` and `neighbour_mass` must come with a `graph`, but there is none.")
    specials = set(special_ids)

    def transition(rows: int, candidates: Iterable[int]) -> Transition:
        if graph is None:
            return CompleteGraph(rows, prob, candidates)
        return KnowledgeGraph(rows, prob, graph, candidates, rho=rho, neighbour_mass=neighbour_mass)

    # All are made before the first is put in: a refused one leaves the model as it was.
    shared = {name: _share(found[name], transition, specials) for name in wanted}
    for name, embedding in shared.items():
        if name == "":
            return embedding
        parent, _, child = name.rpartition(".")
        setattr(module.get_submodule(parent), child, embedding)
    return module


def _share(
    embedding: nn.Embedding, transition: Callable[[int, Iterable[int]], Transition], special_ids: set[int]
) -> SharedEmbedding:
    special = special_ids | ({embedding.padding_idx} if embedding.padding_idx is not None else set())
    rows = (row for row in range(embedding.num_embeddings) if row not in special)
    return SharedEmbedding(embedding, transition(embedding.num_embeddings, rows))


def _embeddings(module: nn.Module) -> Iterator[tuple[str, nn.Embedding]]:
    """Every place of an embedding; one module in two places counts twice, so that both draw for themselves."""
    for name, child in module.named_modules(remove_duplicate=False):
        if isinstance(child, nn.Embedding):
            yield name, child


def _check_plain(embedding: nn.Embedding) -> None:
    kind = type(embedding).__name__
    if not isinstance(embedding, nn.Embedding):
        raise TypeError(f"`embedding` must be an nn.Embedding, but is a {kind} instead.")
    if isinstance(embedding, SharedEmbedding):
        raise TypeError(f"`embedding` must not be shared yet, but is a {kind}.")
    if type(embedding).forward is not nn.Embedding.forward or "weight" not in embedding._parameters:
        raise TypeError(f"`embedding` must be looked up as nn.Embedding does, but {kind} has a look-up of its own.")
    if embedding._forward_hooks or embedding._forward_pre_hooks or embedding._backward_hooks:
        raise TypeError(f"`embedding` must carry no hooks, which would be lost, but this {kind} has some.")
