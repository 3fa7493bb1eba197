"""Transitions: which row of an embedding table stands in for which, and how often.

Source: Wu, Li, Hsieh, Sharpnack, "Stochastic Shared Embeddings", NeurIPS 2019 (arXiv 1905.10630).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sse_nmt.methods.dtypes import double_if_supported
from sse_nmt.methods.perturbation import BernoulliPerturbation, generator_argument


def look_up(table: Tensor, places: Tensor) -> Tensor:
    """``table[places]`` for a vector of values; on the CPU that way of writing it takes four times as long."""
    return table.index_select(0, places.reshape(-1)).view(places.shape)


class Transition(BernoulliPerturbation):
    """p(j, .) over the rows of an embedding table, with p(j, j) = 1 - prob for every candidate j.

    Candidates are the rows that may be replaced and may replace. A subclass says only what a chosen id turns into
    (`draw`) and the matrix for that (`probabilities`).

    Args:
        num_embeddings: number of rows V of the table.
        prob: probability p0 that a candidate is replaced, per look-up.
        candidates: row numbers; all rows when None.

    Raises:
        ValueError: `prob` outside [0, 1], a candidate outside [0, V), or fewer than two candidates.
    """

    def perturb_ids(self, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return self.sample(ids, generator)

    def sample(self, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw a replacement for each of ``ids`` (any shape, int64 or int32); ``ids`` itself is not modified.

        All work stays on the device of the ids, with shapes that depend on the shape of ``ids`` alone.
        """
        if self.prob == 0.0:
            return ids.clone()
        count = ids.numel()
        places = self._chosen_places(count, ids.device, generator)  # (K)
        # The slot past the end takes whatever is drawn beyond the last id. Its 0 comes of a draw:
        # under vmap all of `flat` then has the dimension that draws have.
        flat = torch.cat((ids.reshape(-1), (places[:1] * 0).to(ids.dtype)))  # (n) -> (n + 1)
        chosen = look_up(flat, places).long()
        drawn = torch.where(self.is_candidate(chosen), self.draw(chosen, generator), chosen)
        flat.scatter_(0, places, drawn.to(flat.dtype))
        return flat[:count].view(ids.shape)

    def _chosen_places(self, count: int, device: torch.device, generator: torch.Generator | None) -> Tensor:
        """Places in [0, count) chosen with probability `prob` each, independently; ``count`` stands for "none".

        The gaps between the successes of a Bernoulli process are geometric, so about ``prob * count`` draws do
        the work of ``count``. The number of draws is fixed: with n = count, P[Bin(n, p) > 2 p n + 64] < 1e-30
        by Bernstein's inequality.
        """
        draws = min(count, int(2 * self.prob * count) + 64)
        uniform = torch.rand(draws, dtype=double_if_supported(device), device=device, **generator_argument(generator))
        log_keep = math.log1p(-self.prob) if self.prob < 1.0 else -math.inf  # the rate of the geometric gaps
        # Clamped before it becomes an integer: with a tiny probability a gap exceeds every integer type.
        gaps = (torch.log1p(-uniform) / log_keep).clamp(max=count).long() + 1
        return (gaps.cumsum(0) - 1).clamp(max=count)

    def draw(self, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The rows that candidates ``ids`` (int64) turn into, given that they are replaced; same shape.

        What it returns for an id that is no candidate is not used.
        """
        raise NotImplementedError

    def probabilities(self) -> Tensor:
        """The matrix p(j, k), (V, V) in float64, on the CPU: for tests and teaching."""
        raise NotImplementedError
