"""An `nn.Embedding` whose look-ups go through a transition in training, and how to put it into a model."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from sse_nmt.methods.module_surgery import computes_as, has_hooks, places_of, replace_submodules
from sse_nmt.methods.sse.graph_transition import GraphTransition
from sse_nmt.methods.sse.knowledge_graph import KnowledgeGraph
from sse_nmt.methods.sse.transition import Transition
from sse_nmt.methods.sse.uniform_transition import UniformTransition

_NO_TOKENS = re.compile(r"position|relative_attention_bias|token_type|segment|(^|[._])wpe$|(^|[._])pos_emb")


class SSEEmbedding(nn.Embedding):
    """An existing embedding with Stochastic Shared Embeddings: Algorithm 1 of Wu et al. (2019).

    In training mode every id goes through ``transition.sample`` before the look-up, so forward and backward
    both see the replacing row; in evaluation mode it is a plain look-up. It holds the *same* Parameter as
    ``embedding``: weight tying, optimisers and state-dict keys stay as they were.

    Args:
        embedding: the table, (V, D).
        transition: what the ids are drawn from; made for V rows.
        generator: to draw from on its device; torch's default one when None. Processes that train together and were
            seeded alike draw alike from the latter: give each a generator of its own seed.

    Raises:
        TypeError: ``embedding`` is no nn.Embedding, or one with a look-up or hooks of its own.
        ValueError: the transition is for another number of rows.
    """

    def __init__(
        self, embedding: nn.Embedding, transition: Transition, generator: torch.Generator | None = None
    ) -> None:
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
        self._generator = generator
        self._original = [embedding]  # in a list: a module of ours, it would have parameters and keys
        self.train(embedding.training)

    def generator_for(self, device: torch.device) -> torch.Generator | None:
        """The generator to draw from on ``device``; None is torch's default one. For subclasses."""
        return self._generator

    def plain(self) -> nn.Embedding:
        """The embedding that this one was made of, with the Parameter that this one has now."""
        embedding = self._original[0]
        embedding.weight = self.weight
        embedding.num_embeddings, embedding.embedding_dim = self.weight.shape
        return embedding.train(self.training)

    def __prepare_scriptable__(self) -> nn.Embedding:
        """Asked by `torch.jit.script`, which knows no generators and would leave the model without SSE."""
        raise RuntimeError("A model with SSE cannot be scripted: take SSE out first, with `remove_sse`.")

    def forward(self, input: Tensor) -> Tensor:
        """Ids (*) -> vectors (*, D)."""
        return super().forward(self.draw(input) if self.training else input)

    def draw(self, input: Tensor) -> Tensor:
        """Ids (*) -> ids (*), of which some are replaced.

        Raises:
            ValueError: the table was resized since the transition was made.
        """
        if len(self.weight) != self.transition.num_embeddings:
            raise ValueError(
                f"The table has {len(self.weight)} rows, but its transition is for {self.transition.num_embeddings}: "
                f"put SSE in after resizing (`remove_sse` takes it out before)."
            )
        return self.transition.sample(input, self.generator_for(input.device))


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
    found = dict(places_of(module, nn.Embedding))
    wanted = _tokens(module, found) if names is None else list(names)
    for name in wanted:
        if name not in found:
            raise ValueError(f"`names` must name embeddings of {type(module).__name__}, but {name!r} is none of them.")
    if not wanted:
        raise ValueError(f"`module` must contain an nn.Embedding, but {type(module).__name__} has none.")
    if graph is None and not (rho is None and neighbour_mass is None):
        raise ValueError("`rho` and `neighbour_mass` must come with a `graph`, but there is none.")
    wanted = [name for name in found if any(found[name] is found[other] for other in wanted)]
    specials = _checked(special_ids, [found[name].num_embeddings for name in wanted])

    def transition(rows: int, candidates: Iterable[int]) -> Transition:
        if graph is None:
            return UniformTransition(rows, prob, candidates)
        return GraphTransition(rows, prob, graph, candidates, rho=rho, neighbour_mass=neighbour_mass)

    # All are made before the first is put in: a refused one leaves the model as it was.
    shared = {name: _share(found[name], transition, specials, generator) for name in wanted}
    return replace_submodules(module, shared)


def _share(
    embedding: nn.Embedding,
    transition: Callable[[int, Iterable[int]], Transition],
    special_ids: set[int],
    generator: torch.Generator | None,
) -> SSEEmbedding:
    special = special_ids | ({embedding.padding_idx} if embedding.padding_idx is not None else set())
    rows = (row for row in range(embedding.num_embeddings) if row not in special)
    return SSEEmbedding(embedding, transition(embedding.num_embeddings, rows), generator)


def remove_sse(module: nn.Module) -> nn.Module:
    """Take SSE out again, in place: every `SSEEmbedding` becomes the embedding that it was made of.

    Returns:
        The module; if it is itself an embedding, use what is returned.
    """
    return replace_submodules(module, {name: child.plain() for name, child in places_of(module, SSEEmbedding)})


def _tokens(module: nn.Module, found: Mapping[str, nn.Embedding]) -> list[str]:
    """Embeddings of tokens, as far as names tell; a warning names the others, and embeddings of another kind."""
    others = [name for name in found if _NO_TOKENS.search(name)]
    others += [name for name, child in module.named_modules() if isinstance(child, nn.EmbeddingBag)]
    if others:
        warnings.warn(f"No tokens, so left without SSE: {', '.join(others)}; `names` can name any.", stacklevel=3)
    return [name for name in found if name not in others]


def _checked(special_ids: Iterable[int], sizes: Iterable[int]) -> set[int]:
    ids, rows = set(special_ids), max(sizes)
    for each in ids:
        if not 0 <= each < rows:
            raise ValueError(f"`special_ids` must be in [0, {rows}), but {each} is among them.")
    return ids


def _check_plain(embedding: nn.Embedding) -> None:
    kind = type(embedding).__name__
    if not isinstance(embedding, nn.Embedding):
        raise TypeError(f"`embedding` must be an nn.Embedding, but is a {kind} instead.")
    if isinstance(embedding, SSEEmbedding):
        raise TypeError("`embedding` must be plain, but has SSE already.")
    if not computes_as(embedding, nn.Embedding) or "weight" not in embedding._parameters:
        raise TypeError(f"`embedding` must be looked up as nn.Embedding does, but {kind} has a look-up of its own.")
    if has_hooks(embedding):
        raise TypeError(f"`embedding` must carry no hooks, which would be lost, but this {kind} has some.")
