"""Putting SSE between the token ids and the embeddings of a fairseq model."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from fairseq.data import Dictionary
from torch import Tensor, nn

from sse_nmt.sse import CompleteGraph, Transition
from sse_nmt.tasks.sse_seeding import SeededSharedEmbedding, UpdateStream

logger = logging.getLogger(__name__)

_FILLER = re.compile(r"madeupword\d{4,}")  # what Dictionary.pad_to_multiple_ appends


def candidate_ids(dictionary: Dictionary) -> list[int]:
    """The ids that take part: neither special symbols nor the fillers that round a dictionary's size up."""
    ids = range(dictionary.nspecial, len(dictionary))
    return [i for i in ids if not (_FILLER.fullmatch(dictionary[i]) and dictionary.count[i] == 0)]


def complete_graph(num_embeddings: int, prob: float, dictionary: Dictionary, side: str) -> Transition:
    """SSE-SE over the words of ``dictionary``. Raises ValueError if it has fewer than two."""
    candidates = candidate_ids(dictionary)
    if len(candidates) < 2:
        raise ValueError(
            f"The {side} dictionary must have at least two words for SSE, but has {len(candidates)} instead."
        )
    logger.info("SSE-SE, %s: p0 = %g over %d of %d rows", side, prob, len(candidates), num_embeddings)
    return CompleteGraph(num_embeddings, prob, candidates)


@dataclass(frozen=True)
class Side:
    """One side of a model: its part (encoder or decoder), the probability there, and its dictionary."""

    part: str
    prob: float
    dictionary: Dictionary


def install(model: nn.Module, sides: Sequence[Side], seed: int) -> None:
    """Make ``model.<part>.embed_tokens`` of each side draw its ids; a side of probability 0 is left as it is.

    An embedding shared by both parts gets two wrappers around one Parameter, so that each side draws for itself.

    Raises:
        ValueError: the model has no such embedding, or the dictionary too few words.
    """
    active = [(side, _embedding(model, side.part)) for side in sides if side.prob > 0.0]
    for side, embedding in active:
        transition = complete_graph(embedding.num_embeddings, side.prob, side.dictionary, side.part)
        shared = SeededSharedEmbedding(embedding, transition, UpdateStream(seed, side.part))
        model.get_submodule(side.part).embed_tokens = shared


class SeededLabels:
    """SSE on the gold labels of a training batch."""

    def __init__(self, prob: float, dictionary: Dictionary, seed: int) -> None:
        self._transition = complete_graph(len(dictionary), prob, dictionary, "label")
        self._stream = UpdateStream(seed, "label")

    def __call__(self, target: Tensor, num_updates: int) -> Tensor:
        """Gold labels (B, T) -> labels (B, T), of which some are replaced; the input is not modified."""
        self._stream.set_num_updates(num_updates)
        return self._transition.to(target.device).sample(target, self._stream.on(target.device))


def _embedding(model: nn.Module, part: str) -> nn.Embedding:
    embedding = getattr(getattr(model, part, None), "embed_tokens", None)
    if isinstance(embedding, nn.Embedding):
        return embedding
    found = "missing" if embedding is None else f"a {type(embedding).__name__}"
    raise ValueError(
        f"`{part}.embed_tokens` of {type(model).__name__} must be an nn.Embedding, but is {found} instead."
    )
