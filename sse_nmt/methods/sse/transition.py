"""Transitions: which row of an embedding table stands in for which, and how often.

Source: Wu, Li, Hsieh, Sharpnack, "Stochastic Shared Embeddings", NeurIPS 2019 (arXiv 1905.10630).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sse_nmt.methods.dtypes import double_if_supported


def check_probability(name: str, value: float) -> float:
    """Return ``value`` if it is a probability, raise ValueError otherwise (NaN included)."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"`{name}` must be in [0, 1], but is {value} instead.")
    return float(value)


def generator_argument(generator: torch.Generator | None) -> dict[str, Any]:
    """Keyword for torch's random functions: with ``generator=None`` spelled out they refuse symbolic shapes."""
    return {} if generator is None else {"generator": generator}


def look_up(table: Tensor, places: Tensor) -> Tensor:
    """``table[places]`` for a vector of values; on the CPU that way of writing it takes four times as long."""
    return table.index_select(0, places.reshape(-1)).view(places.shape)


class Transition(nn.Module):
    """p(j, .) over the rows of an embedding table, with p(j, j) = 1 - prob for every candidate j.

    Candidates are the rows that may be replaced and may replace; all other rows (padding, end of sentence, …)
    stay as they are. Its tables are no buffers, which wrappers average, send or leave empty, but follow
    ``.to(device)`` all the same. A subclass says only what a chosen id turns into (`draw`) and the matrix for that
    (`probabilities`).

    Args:
        num_embeddings: number of rows V of the table.
        prob: probability p0 that a candidate is replaced, per look-up.
        candidates: row numbers; all rows when None.

    Raises:
        ValueError: `prob` outside [0, 1], a candidate outside [0, V), or fewer than two candidates.
    """

    candidates: Tensor  # (N,), ascending
    ranks: Tensor  # (V,), the place of each row among the candidates, -1 for the others

    def __init__(self, num_embeddings: int, prob: float, candidates: Iterable[int] | Tensor | None = None) -> None:
        super().__init__()
        self._tables: dict[str, tuple[array[int], torch.dtype]] = {}
        self.num_embeddings = num_embeddings
        self.prob = prob
        rows = candidate_rows(num_embeddings, candidates)
        ranks = array("q", [-1]) * num_embeddings
        for rank, row in enumerate(rows):
            ranks[row] = rank
        self._keep_table("candidates", rows, torch.long)
        self._keep_table("ranks", ranks, torch.long)
        self.num_candidates = len(rows)  # N
        # Dictionaries put special symbols first and fillers last: what is left is one range, and arithmetic
        # on it beats a look-up in tables of V entries that no cache holds.
        self._range = (rows[0], rows[-1]) if rows[-1] - rows[0] + 1 == len(rows) else None

    @property
    def prob(self) -> float:
        """p0; may be set anew at any time."""
        return self._prob

    @prob.setter
    def prob(self, value: float) -> None:
        self._prob = check_probability("prob", value)
        # The log-probability of keeping an id: the rate of the geometric gaps between replacements.
        self._log_keep = math.log1p(-self._prob) if self._prob < 1.0 else -math.inf

    def _keep_table(self, name: str, values: Iterable[int], dtype: torch.dtype) -> None:
        """A tensor of whole numbers as attribute ``name``; the numbers are kept for a model that leaves "meta"."""
        numbers = array("q", values)
        self._tables[name] = numbers, dtype
        setattr(self, name, torch.tensor(numbers, dtype=dtype))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Transition:
        """``.to(device)`` and its like move the tables; ``to_empty`` leaves no rubbish in them."""
        super()._apply(fn, recurse)
        device = fn(torch.empty(0, dtype=torch.long, device=self.candidates.device)).device
        for name, (numbers, dtype) in self._tables.items():
            table: Tensor = getattr(self, name)
            made = torch.tensor(numbers, dtype=dtype, device=device) if table.is_meta else table.to(device)
            setattr(self, name, made)
        return self

    def is_candidate(self, ids: Tensor) -> Tensor:
        """Ids (*) -> bool (*)."""
        if self._range is None:
            return self.ranks[ids] >= 0
        return (ids >= self._range[0]) & (ids <= self._range[1])

    def rank_of(self, ids: Tensor) -> Tensor:
        """The place of candidates among the candidates, (*) -> (*) in [0, N); undefined for other rows."""
        return self.ranks[ids] if self._range is None else ids - self._range[0]

    def row_at(self, rank: Tensor) -> Tensor:
        """The inverse of `rank_of`: (*) in [0, N) -> rows (*)."""
        return self.candidates[rank] if self._range is None else rank + self._range[0]

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
        # Clamped before it becomes an integer: with a tiny probability a gap exceeds every integer type.
        gaps = (torch.log1p(-uniform) / self._log_keep).clamp(max=count).long() + 1
        return (gaps.cumsum(0) - 1).clamp(max=count)

    def draw(self, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The rows that candidates ``ids`` (int64) turn into, given that they are replaced; same shape.

        What it returns for an id that is no candidate is not used.
        """
        raise NotImplementedError

    def probabilities(self) -> Tensor:
        """The matrix p(j, k), (V, V) in float64, on the CPU: for tests and teaching."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, prob={self.prob}, candidates={self.num_candidates}"


def candidate_rows(num_embeddings: int, candidates: Iterable[int] | Tensor | None) -> Sequence[int]:
    """Ascending, as Python numbers: tensors have none to look at while a model is built on fake tensors."""
    if candidates is None:
        rows: Sequence[int] = range(num_embeddings)
    else:
        rows = sorted(set(candidates.tolist() if isinstance(candidates, Tensor) else candidates))
    if len(rows) < 2:
        raise ValueError(f"`candidates` must hold at least two rows, but holds {len(rows)} instead.")
    if rows[0] < 0 or rows[-1] >= num_embeddings:
        outside = rows[0] if rows[0] < 0 else rows[-1]
        raise ValueError(f"`candidates` must be in [0, {num_embeddings}), but {outside} is among them.")
    return rows
