"""Dropping whole vectors: of single look-ups, or of rows of the table for a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from sse_nmt.methods.perturbation import BernoulliPerturbation, generator_argument


class WordDropout(BernoulliPerturbation):
    """The whole vector of a look-up is 0 with probability p; the others stay as they are.

    Sennrich, Haddow, Birch, *Edinburgh Neural Machine Translation Systems for WMT 16* (arXiv 1606.02891), sec. 3.2;
    nothing is rescaled, as in Nematus.
    """

    def perturb_vectors(self, vectors: Tensor, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        if self.prob == 0.0:
            return vectors
        uniform = torch.rand(ids.shape, device=ids.device, **generator_argument(generator))
        dropped = (uniform < self.prob) & self.is_candidate(ids)
        return vectors.masked_fill(dropped.unsqueeze(-1), 0.0)


class EmbeddingDropout(BernoulliPerturbation):
    """Rows of the table are 0 for a batch with probability p; the other candidates' are scaled by 1 / (1 - p).

    Gal and Ghahramani, *A Theoretically Grounded Application of Dropout in Recurrent Neural Networks*, NIPS 2016
    (arXiv 1512.05287), sec. 4.2; scaled as in AWD-LSTM (Merity et al. 2018). All look-ups of a row share its fate.
    Rows that take no part are neither dropped nor scaled.
    """

    def perturb_vectors(self, vectors: Tensor, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        if self.prob == 0.0:
            return vectors
        uniform = torch.rand(self.num_embeddings, device=ids.device, **generator_argument(generator))
        candidates = self.is_candidate(ids)
        dropped = (uniform < self.prob)[ids] & candidates
        scale = 1.0 if self.prob == 1.0 else 1.0 / (1.0 - self.prob)
        factors = torch.where(candidates, scale, 1.0).to(vectors.dtype)
        return (vectors * factors.unsqueeze(-1)).masked_fill(dropped.unsqueeze(-1), 0.0)
