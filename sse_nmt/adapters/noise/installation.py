"""The perturbations of SSE's rivals, for the dictionaries and the text of fairseq."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from fairseq.data import Dictionary
from torch import Tensor

from sse_nmt.methods.noise import make_noise
from sse_nmt.methods.perturbation import Perturbation

logger = logging.getLogger(__name__)

CountRows = Callable[[str], Tensor]  # of a part of the model: how often each row stands in its training text, (V,)


def noise_for(
    kind: str,
    rate: float,
    num_embeddings: int,
    dictionary: Dictionary,
    side: str,
    candidates: Sequence[int],
    count_rows: CountRows | None = None,
) -> Perturbation:
    """The noise of that name over ``candidates``; ``<unk>`` is the mask.

    Args:
        count_rows: of a side, how often each row stands in its training text.

    Raises:
        ValueError: a rate out of range, or text in which fewer than two candidates stand.
        FileNotFoundError: the noise needs the training text, and there is none.
    """
    counts = None
    if kind == "unigram" and count_rows is not None:
        counts = count_rows(side)
    mask = dictionary.unk() if kind == "mask" else None
    noise = make_noise(kind, rate, num_embeddings, candidates, padding_idx=dictionary.pad(), counts=counts, mask=mask)
    logger.info("%s, %s: %s = %g over %d of %d rows", kind, side, noise.STRENGTH, rate, len(candidates), num_embeddings)
    return noise
