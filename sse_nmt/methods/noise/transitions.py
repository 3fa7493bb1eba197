"""Replacing ids as SSE does, by frequent ids or by one that says nothing."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from sse_nmt.methods.perturbation import generator_argument
from sse_nmt.methods.sse.transition import Transition

_LARGEST = 2**53  # below it every whole number is a float64


class UnigramTransition(Transition):
    """p(j, k) = p c_k / (C - c_j) for every candidate k other than j: others in proportion to their counts c, of sum C.

    Unigram noising as in Xie et al., *Data Noising as Smoothing in Neural Network Language Models*, ICLR 2017
    (arXiv 1703.02573), but that the id itself is left out, as in SSE-SE.

    Args:
        counts: (V,), whole numbers; those of rows that are no candidates do not matter.
        num_embeddings, prob, candidates: as for `Transition`.

    Raises:
        ValueError: counts of another shape, negative, too large, or of fewer than two candidates above 0.
    """

    def __init__(
        self, num_embeddings: int, prob: float, counts: Tensor, candidates: Iterable[int] | Tensor | None = None
    ) -> None:
        super().__init__(num_embeddings, prob, candidates)
        if counts.shape != (num_embeddings,):
            raise ValueError(
                f"`counts` must be ({num_embeddings},), a number for each row, but is {tuple(counts.shape)}."
            )
        of_candidates = counts.cpu().long()[self.candidates.cpu()]
        if (of_candidates < 0).any():
            raise ValueError(f"`counts` must be at least 0, but {int(of_candidates.min())} is among them.")
        if int((of_candidates > 0).sum()) < 2:
            raise ValueError("`counts` must be above 0 for at least two candidates, or nothing can stand in for them.")
        if float(of_candidates.double().sum()) >= _LARGEST:
            raise ValueError(
                f"`counts` must sum up to less than 2^53, but sum up to {float(of_candidates.double().sum()):g}."
            )
        self._keep_table("counts", of_candidates.tolist(), torch.long)
        self._keep_table("sums", of_candidates.cumsum(0).tolist(), torch.long)

    counts: Tensor  # (N,), of the candidates
    sums: Tensor  # (N,), cumulative

    def draw(self, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        rank = self.rank_of(ids).clamp(0, self.num_candidates - 1)
        own, total = self.counts[rank], self.sums[-1]
        uniform = torch.rand(ids.shape, dtype=torch.float64, device=ids.device, **generator_argument(generator))
        # A whole number among all occurrences but those of the id itself, which are stepped over.
        place = (uniform * (total - own)).long().minimum(total - own - 1)
        place = place + own * (place >= self.sums[rank] - own)
        return self.row_at(torch.searchsorted(self.sums, place, right=True))

    def probabilities(self) -> Tensor:
        matrix = torch.eye(self.num_embeddings, dtype=torch.float64)
        rows, counts = self.candidates.cpu(), self.counts.cpu().double()
        others = counts.expand(len(rows), -1).clone().fill_diagonal_(0.0)
        matrix[rows[:, None], rows] = self.prob * others / others.sum(1, keepdim=True)
        matrix[rows, rows] = 1.0 - self.prob
        return matrix


class MaskTransition(Transition):
    """p(j, mask) = p for every candidate j: one row, of a symbol that says nothing, stands in for all.

    Blank noising as in Xie et al. (2017).

    Args:
        mask: the row, such as that of ``<unk>``; no candidate.
        num_embeddings, prob, candidates: as for `Transition`.

    Raises:
        ValueError: a mask outside [0, V), or one that is a candidate.
    """

    def __init__(
        self, num_embeddings: int, prob: float, mask: int, candidates: Iterable[int] | Tensor | None = None
    ) -> None:
        super().__init__(num_embeddings, prob, candidates)
        if not 0 <= mask < num_embeddings:
            raise ValueError(f"`mask` must be in [0, {num_embeddings}), but is {mask} instead.")
        if bool(self.candidates.eq(mask).any()):
            raise ValueError(f"`mask` must be a special symbol, but {mask} is a candidate.")
        self.mask = mask

    def draw(self, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.full_like(ids, self.mask)

    def probabilities(self) -> Tensor:
        matrix = torch.eye(self.num_embeddings, dtype=torch.float64)
        rows = self.candidates.cpu()
        matrix[rows, rows] = 1.0 - self.prob
        matrix[rows, self.mask] = self.prob
        return matrix
