"""Uniform noise on the vectors."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from sse_nmt.methods.perturbation import Perturbation, check_strength, generator_argument


class NEFTune(Perturbation):
    """Each number of a vector + U(-a, a), with a = α / √(L D): the noise of a sentence has a norm below α.

    Jain et al., *NEFTune: Noisy Embeddings Improve Instruction Finetuning*, ICLR 2024 (arXiv 2310.05914), Algorithm 1.
    L is the length of the sentence itself, its special symbols included, without padding; their code takes the
    padded one. Rows that take no part get no noise.

    Args:
        num_embeddings: number of rows V of the table.
        alpha: α.
        candidates: row numbers; all rows when None.
        padding_idx: the row that fills up sentences; None: there is no padding.

    Raises:
        ValueError: an α that is negative or not finite; what `Perturbation` raises.
    """

    STRENGTH = "alpha"

    def __init__(
        self,
        num_embeddings: int,
        alpha: float,
        candidates: Iterable[int] | Tensor | None = None,
        padding_idx: int | None = None,
    ) -> None:
        super().__init__(num_embeddings, candidates)
        self.alpha = alpha
        self.padding_idx = padding_idx

    @property
    def alpha(self) -> float:
        """α; may be set anew at any time."""
        return self._alpha

    @alpha.setter
    def alpha(self, value: float) -> None:
        self._alpha = check_strength("alpha", value)

    def perturb_vectors(self, vectors: Tensor, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Sentences are the last dimension of ids (*, T), with vectors (*, T, D)."""
        if self.alpha == 0.0:
            return vectors
        uniform = torch.rand(vectors.shape, device=ids.device, **generator_argument(generator)) * 2.0 - 1.0
        bound = self.alpha / (self._lengths(ids) * vectors.size(-1)).sqrt()
        bound = torch.where(self.is_candidate(ids), bound, 0.0)
        return vectors + (uniform * bound.unsqueeze(-1)).to(vectors.dtype)

    def _lengths(self, ids: Tensor) -> Tensor:
        """(*, T) -> (*, 1), float32."""
        if self.padding_idx is None:
            return torch.full((1,) * ids.dim(), float(ids.size(-1)), device=ids.device)
        return ids.ne(self.padding_idx).sum(-1, keepdim=True).clamp(min=1).float()
