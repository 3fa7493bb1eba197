"""Putting SSE between the token ids and the embeddings of a fairseq model."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fairseq.data import Dictionary
from torch import Tensor, nn

from sse_nmt.adapters.noise.installation import CountRows, noise_for
from sse_nmt.adapters.sse.options import GraphOptions
from sse_nmt.adapters.sse.schedule import Schedule
from sse_nmt.adapters.sse.seeding import (
    ALWAYS,
    SeededEmbedding,
    SeededNoisyEmbedding,
    SeededSSEEmbedding,
    data_parallel_rank,
    sample_from,
)
from sse_nmt.graphs.candidates import tokens_in
from sse_nmt.graphs.coverage import Coverage
from sse_nmt.graphs.graph_file import load_graph
from sse_nmt.methods.factorized import FactorizedEmbedding
from sse_nmt.methods.perturbation import Perturbation
from sse_nmt.methods.sse import GraphTransition, Transition, UniformTransition
from sse_nmt.methods.update_stream import UpdateStream
from sse_nmt.text.dictionary import Vocabulary, words_of

logger = logging.getLogger(__name__)

MASK = "<mask>"
FIRST_LINES = 100_000  # in which candidates are looked for: all of a large text takes minutes
Embedding = nn.Embedding | FactorizedEmbedding


def candidate_ids(dictionary: Dictionary) -> list[int]:
    """The ids that take part: neither special symbols nor the fillers that round a dictionary's size up.

    fairseq's tasks add <mask> after the words, where it looks like one.
    """
    words = words_of(dictionary.symbols, dictionary.count, dictionary.nspecial)
    return [row for row in words if dictionary.symbols[row] != MASK]


def candidates_of(dictionary: Dictionary, side: str, only_in: str | None = None) -> list[int]:
    """The same; of those in the text ``only_in``, if given. Raises ValueError if they are fewer than two."""
    candidates = candidate_ids(dictionary)
    if only_in is not None:
        there = tokens_in(Path(only_in), Vocabulary(tuple(dictionary.symbols), tuple(dictionary.count)))
        candidates = [row for row in candidates if there[row]]
    if len(candidates) < 2:
        raise ValueError(
            f"The {side} dictionary must have at least two words for SSE, but has {len(candidates)} instead."
        )
    return candidates


def make_transition(
    num_embeddings: int,
    prob: float,
    dictionary: Dictionary,
    side: str,
    graph: GraphOptions | None,
    only_in: str | None = None,
) -> Transition:
    """SSE-SE or, along a graph, SSE-Graph over the words of ``dictionary``; of those in the text ``only_in``, if given.

    Raises:
        ValueError: fewer than two words take part.
        UserError: the graph's file is none, or for another dictionary; or the text has none of its words.
    """
    candidates = candidates_of(dictionary, side, only_in)
    if graph is not None:
        return _along_graph(num_embeddings, prob, dictionary, side, graph, candidates)
    logger.info("SSE-SE, %s: p0 = %g over %d of %d rows", side, prob, len(candidates), num_embeddings)
    return UniformTransition(num_embeddings, prob, candidates)


def _along_graph(
    num_embeddings: int, prob: float, dictionary: Dictionary, side: str, graph: GraphOptions, candidates: list[int]
) -> Transition:
    file = load_graph(Path(graph.path))
    symbols = dictionary.symbols
    added = symbols[-1] == MASK and len(file.tokens) == len(symbols) - 1  # the graph is of the dictionary's file
    file.check_tokens(Path(graph.path), symbols[:-1] if added else symbols, f"the {side} dictionary")
    relation = file.graph.with_rows(num_embeddings) if added else file.graph
    transition = GraphTransition(
        num_embeddings, prob, relation, candidates, rho=graph.rho, neighbour_mass=graph.neighbour_mass
    )
    masses = transition.neighbour_masses()
    logger.info(
        "SSE-Graph, %s: p0 = %g over %d of %d rows along %s; %s; mean neighbour mass %.3f of the rows with neighbours",
        side, prob, transition.num_candidates, num_embeddings, graph.path,
        Coverage.of(relation, Vocabulary(tuple(dictionary.symbols), tuple(dictionary.count))),
        masses[masses > 0].mean(),
    )  # fmt: skip
    return transition


@dataclass(frozen=True)
class Side:
    """One side of a model: its part (encoder or decoder), and what its ids are replaced by, and how often.

    ``prob`` is p0, or the rate of ``noise``, where that takes the place of SSE.
    """

    part: str
    prob: float
    dictionary: Dictionary
    graph: GraphOptions | None = None
    only_in: str | None = None  # a segmented text that has all candidates
    noise: str | None = None
    name: str = "tokens"  # in what is logged


def install(
    model: nn.Module, sides: Sequence[Side], seed: int, schedule: Schedule = ALWAYS, count_rows: CountRows | None = None
) -> None:
    """Make ``model.<part>.embed_tokens`` of each side draw its ids; a side of probability 0 is left as it is.

    An embedding shared by both parts gets two wrappers around one Parameter, so that each side draws for itself.

    Args:
        count_rows: of a part of the model, how often each row stands in that side's training text; for noises that ask.

    Raises:
        ValueError: the model has no such embedding, or the dictionary too few words.
        UserError: a graph that cannot be used.
    """
    active = [(side, _embedding(model, side.part)) for side in sides if side.prob > 0.0]
    for side in sides:
        if side.prob == 0.0:
            logger.info("%s off, %s: p0 = 0", side.noise or "SSE", side.part)
    for side, embedding in active:
        perturbation = _perturbation(side, embedding.num_embeddings, count_rows)
        kind = SeededSSEEmbedding if side.noise is None else SeededNoisyEmbedding
        perturbed = partial(
            kind, perturbation=perturbation, stream=UpdateStream(seed, side.part, data_parallel_rank), schedule=schedule
        )
        model.get_submodule(side.part).embed_tokens = _shared(embedding, perturbed)


def _perturbation(side: Side, num_embeddings: int, count_rows: CountRows | None) -> Perturbation:
    if side.noise is None:
        return make_transition(num_embeddings, side.prob, side.dictionary, side.part, side.graph, side.only_in)
    candidates = candidates_of(side.dictionary, side.part, side.only_in)
    return noise_for(side.noise, side.prob, num_embeddings, side.dictionary, side.part, candidates, count_rows)


def _shared(embedding: Embedding, perturbed: Callable[[nn.Embedding], nn.Embedding]) -> nn.Module:
    """Around the same parameters; in a factorised embedding it is the narrow table that is looked up."""
    if isinstance(embedding, nn.Embedding):
        return perturbed(embedding)
    factorised = FactorizedEmbedding.from_factors(*embedding.factors(), embedding.padding_idx)
    factorised.table = perturbed(factorised.table)
    return factorised


class SeededLabels:
    """SSE on the gold labels of a training batch."""

    def __init__(self, transition: Transition, seed: int) -> None:
        self._transition = transition
        self._stream = UpdateStream(seed, "label", data_parallel_rank)

    def __call__(self, target: Tensor, num_updates: int) -> Tensor:
        """Gold labels (*) -> labels (*), of which some are replaced; the input is not modified."""
        self._stream.set_num_updates(num_updates)
        return sample_from(self._stream, self._transition.to(target.device), target)


def transition_of_classes(prob: float, num_classes: int) -> Transition:
    """Classes, counted from 0, are replaced by any other. Raises ValueError if there is no other."""
    if num_classes < 2:
        raise ValueError(f"`--sse-prob-label` needs two classes or more, but there is {num_classes}.")
    return UniformTransition(num_classes, prob, range(num_classes))


def transition_of_labels(prob: float, side: Side) -> Transition:
    """Labels that are tokens are replaced as that side's are, from a stream of their own."""
    return make_transition(len(side.dictionary), prob, side.dictionary, "label", side.graph, side.only_in)


@contextlib.contextmanager
def ids_kept(model: nn.Module, places: Tensor) -> Iterator[None]:
    """While it lasts, ids at these ``places`` of a batch (B, T) are left as they are."""
    seeded = [module for module in model.modules() if isinstance(module, SeededEmbedding)]
    for module in seeded:
        module.keep(places)
    try:
        yield
    finally:
        for module in seeded:
            module.keep(None)


def replaced_ids(model: nn.Module) -> dict[str, Tensor]:
    """Part of the model -> how many ids its embedding has replaced since it was asked last."""
    shared = [module for module in model.modules() if isinstance(module, SeededEmbedding)]
    return {module.side: module.take_replaced() for module in shared}


def log_strangers(sides: Sequence[Side], count_rows: CountRows) -> None:
    """Say of a vocabulary of two languages how many of a side's candidates that side's text does not have.

    ``count_rows``: of a part of the model, how often each row stands in the beginning of that side's training text.
    """
    one, other = (side.dictionary for side in sides)
    if one.symbols != other.symbols:
        return
    for side in sides:
        if side.prob > 0.0 and side.noise is None and side.graph is None and side.only_in is None:
            seen = count_rows(side.part)
            candidates = candidate_ids(side.dictionary)
            strangers = int((seen[candidates] == 0).sum())
            if strangers:
                logger.info(
                    "SSE-SE, %s: %d of %d candidates (%.0f %%) are not in the first %s lines of that side: pieces of "
                    "the other language; --sse-candidates-%s FILE leaves them out",
                    side.part, strangers, len(candidates), 100 * strangers / len(candidates), f"{FIRST_LINES:,}",
                    "source" if side.part == "encoder" else "target",
                )  # fmt: skip


def _embedding(model: nn.Module, part: str) -> Embedding:
    embedding: Any = model
    for name in (*part.split("."), "embed_tokens"):
        embedding = getattr(embedding, name, None)
    if isinstance(embedding, nn.Embedding | FactorizedEmbedding):
        return embedding
    found = "missing" if embedding is None else f"a {type(embedding).__name__}"
    raise ValueError(
        f"`{part}.embed_tokens` of {type(model).__name__} must be an nn.Embedding, but is {found} instead."
    )
