"""Putting a noise into a model by its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sse_nmt.methods.noise.dropped import EmbeddingDropout, WordDropout
from sse_nmt.methods.noise.neftune import NEFTune
from sse_nmt.methods.noise.switchout import SwitchOut
from sse_nmt.methods.noise.transitions import MaskTransition, UnigramTransition
from sse_nmt.methods.perturbation import Perturbation
from sse_nmt.methods.perturbed_embedding import PerturbedEmbedding, perturb_embeddings, remove_perturbations


@dataclass(frozen=True)
class Noise:
    """One number says how strong a noise is."""

    rate: float  # the default
    what: str  # the number is


NOISES = {
    "unigram": Noise(0.01, "probability that an id becomes another one, frequent ones more often"),
    "mask": Noise(0.1, "probability that an id becomes the mask"),
    "word_dropout": Noise(0.1, "probability that the vector of a look-up is 0"),
    "embedding_dropout": Noise(0.1, "probability that a row of the table is 0 for a batch"),
    "switchout": Noise(1.0, "temperature of the number of ids that are replaced in a sentence"),
    "neftune": Noise(5.0, "norm that the noise on the vectors of a sentence stays below"),
}


class NoisyEmbedding(PerturbedEmbedding):
    """An existing embedding with one of the `NOISES`."""


def make_noise(
    kind: str,
    rate: float | None,
    num_embeddings: int,
    candidates: Sequence[int],
    *,
    padding_idx: int | None = None,
    counts: Tensor | None = None,
    mask: int | None = None,
) -> Perturbation:
    """The perturbation of that name for a table of ``num_embeddings`` rows; the rest as for `apply_noise`."""
    if kind not in NOISES:
        raise ValueError(f"`kind` must be one of {', '.join(NOISES)}, but is {kind!r} instead.")
    for name, value, of in (("counts", counts, "unigram"), ("mask", mask, "mask")):
        if value is None and kind == of:
            raise ValueError(f"`{name}` must be given for {of!r}, but is not.")
        if value is not None and kind != of:
            raise ValueError(f"`{name}` must be given for {of!r} alone, but the kind is {kind!r}.")
    strength = NOISES[kind].rate if rate is None else rate
    if kind == "unigram":
        assert counts is not None
        return UnigramTransition(num_embeddings, strength, counts, candidates)
    if kind == "mask":
        assert mask is not None
        return MaskTransition(num_embeddings, strength, mask, candidates)
    if kind == "neftune":
        return NEFTune(num_embeddings, strength, candidates, padding_idx)
    simple = {"word_dropout": WordDropout, "embedding_dropout": EmbeddingDropout, "switchout": SwitchOut}
    return simple[kind](num_embeddings, strength, candidates)


def apply_noise(
    module: nn.Module,
    kind: str,
    rate: float | None = None,
    *,
    names: Iterable[str] | None = None,
    special_ids: Iterable[int] = (),
    counts: Tensor | None = None,
    mask: int | None = None,
    generator: torch.Generator | None = None,
) -> nn.Module:
    """Put a noise into any model, in place: each nn.Embedding in it becomes a `NoisyEmbedding`.

    Args:
        module: the model; if it is itself an embedding, use what is returned.
        kind: one of `NOISES`.
        rate: how strong it is, as `NOISES` says; its default when None.
        names, special_ids, generator: as for `apply_sse`.
        counts: for "unigram": how often each row stands in the training text, (V,).
        mask: for "mask": the row that stands in; one of ``special_ids``.

    Returns:
        The module.

    Raises:
        ValueError: another kind, counts or a mask that are missing or in vain; what `apply_sse` and the noises raise.
    """

    def noise(embedding: nn.Embedding, candidates: list[int]) -> Perturbation:
        return make_noise(
            kind,
            rate,
            embedding.num_embeddings,
            candidates,
            padding_idx=embedding.padding_idx,
            counts=counts,
            mask=mask,
        )

    return perturb_embeddings(module, NoisyEmbedding, noise, names, special_ids, generator)


def remove_noise(module: nn.Module) -> nn.Module:
    """Take a noise out again, in place: every `NoisyEmbedding` becomes the embedding that it was made of.

    Returns:
        The module; if it is itself an embedding, use what is returned.
    """
    return remove_perturbations(module, NoisyEmbedding)
