"""SwitchOut: how many tokens of a sentence are replaced is drawn first, then which."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from sse_nmt.methods.perturbation import Perturbation, check_strength, generator_argument


class SwitchOut(Perturbation):
    """n of a sentence's L candidates become other ones, uniformly; P(n) ~ exp(-n / τ) for n in 0, …, L - 1.

    Wang, Pham, Dai, Neubig, *SwitchOut: an Efficient Data Augmentation Algorithm for Neural Machine Translation*,
    EMNLP 2018 (arXiv 1808.07512), Algorithm 1, with n < L as in OpenNMT. The n places are distinct, all sets of them
    alike likely. At τ = 1 that is 0.58 tokens of a long sentence.

    Args:
        num_embeddings: number of rows V of the table.
        temperature: τ; 0 replaces nothing.
        candidates: row numbers; all rows when None.

    Raises:
        ValueError: a temperature that is negative or not finite; what `Perturbation` raises.
    """

    STRENGTH = "temperature"

    def __init__(
        self, num_embeddings: int, temperature: float, candidates: Iterable[int] | Tensor | None = None
    ) -> None:
        super().__init__(num_embeddings, candidates)
        self.temperature = temperature

    @property
    def temperature(self) -> float:
        """τ; may be set anew at any time."""
        return self._temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        self._temperature = check_strength("temperature", value)

    def perturb_ids(self, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Sentences are the last dimension of ids (*, T)."""
        if self.temperature == 0.0 or ids.numel() == 0:
            return ids.clone()
        candidates = self.is_candidate(ids)
        count = self._how_many(candidates.sum(-1, keepdim=True), generator)
        # Candidates in random order, all others after them: the first `count` are switched.
        order = torch.rand(ids.shape, device=ids.device, **generator_argument(generator)).masked_fill(~candidates, 2.0)
        place = order.argsort(-1).argsort(-1)
        return torch.where(place < count, self.draw_others(ids, generator).to(ids.dtype), ids)

    def _how_many(self, lengths: Tensor, generator: torch.Generator | None) -> Tensor:
        """n for sentences of L candidates, (*, 1) -> (*, 1), by inverse of P(N <= n) = (1 - q^(n+1)) / (1 - q^L)."""
        uniform = torch.rand(lengths.shape, dtype=torch.float64, device=lengths.device, **generator_argument(generator))
        log_q = -1.0 / self.temperature
        whole = -torch.expm1(log_q * lengths.double())  # 1 - q^L
        count = (torch.log1p(-uniform * whole) / log_q).long()
        return count.minimum((lengths - 1).clamp(min=0))
