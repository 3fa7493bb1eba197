"""Perturbations: what happens to the ids that an embedding looks up, or to their vectors, in training alone."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

Own = TypeVar("Own", bound="Perturbation")


def check_probability(name: str, value: float) -> float:
    """Return ``value`` if it is a probability, raise ValueError otherwise (NaN included)."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"`{name}` must be in [0, 1], but is {value} instead.")
    return float(value)


def check_strength(name: str, value: float) -> float:
    """Return ``value`` if it is finite and at least 0, raise ValueError otherwise (NaN included)."""
    if not 0.0 <= value < math.inf:
        raise ValueError(f"`{name}` must be at least 0 and finite, but is {value} instead.")
    return float(value)


def generator_argument(generator: torch.Generator | None) -> dict[str, Any]:
    """Keyword for torch's random functions: with ``generator=None`` spelled out they refuse symbolic shapes."""
    return {} if generator is None else {"generator": generator}


class Perturbation(nn.Module):
    """Perturbs look-ups of the *candidates* among the rows of an embedding table.

    All other rows (padding, end of sentence, …) take no part. Its tables are no buffers, which wrappers average, send
    or leave empty, but follow ``.to(device)`` all the same. A subclass says what becomes of ids, or of vectors.

    Args:
        num_embeddings: number of rows V of the table.
        candidates: row numbers; all rows when None.

    Raises:
        ValueError: a candidate outside [0, V), or fewer than two candidates.
    """

    STRENGTH = "prob"  # the attribute that says how strong it is; at 0 nothing is perturbed

    candidates: Tensor  # (N,), ascending
    ranks: Tensor  # (V,), the place of each row among the candidates, -1 for the others

    def __init__(self, num_embeddings: int, candidates: Iterable[int] | Tensor | None = None) -> None:
        super().__init__()
        self._tables: dict[str, tuple[array[int], torch.dtype]] = {}
        self.num_embeddings = num_embeddings
        rows = candidate_rows(num_embeddings, candidates)
        ranks = array("q", [-1]) * num_embeddings
        for rank, row in enumerate(rows):
            ranks[row] = rank
        self._keep_table("candidates", rows, torch.long)
        self._keep_table("ranks", ranks, torch.long)
        self.num_candidates = len(rows)  # N
        # Dictionaries put special symbols first and fillers last: what is left is one range, and arithmetic
        # on it beats a look-up in tables of V entries that no cache holds.
        self.candidate_range = (rows[0], rows[-1]) if rows[-1] - rows[0] + 1 == len(rows) else None  # both inclusive

    @property
    def strength(self) -> float:
        """May be set anew at any time."""
        return float(getattr(self, self.STRENGTH))

    @strength.setter
    def strength(self, value: float) -> None:
        setattr(self, self.STRENGTH, value)

    def perturb_ids(self, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What is looked up in place of ``ids``, (*) -> (*); ``ids`` itself is not modified."""
        return ids

    def perturb_vectors(self, vectors: Tensor, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What becomes of the vectors of ``ids``, (*, D) with ids (*) -> (*, D)."""
        return vectors

    def _keep_table(self, name: str, values: Iterable[int], dtype: torch.dtype) -> None:
        """A tensor of whole numbers as attribute ``name``; the numbers are kept for a model that leaves "meta"."""
        numbers = array("q", values)
        self._tables[name] = numbers, dtype
        setattr(self, name, torch.tensor(numbers, dtype=dtype))

    def _apply(self: Own, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Own:
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
        if self.candidate_range is None:
            # To a tensor -1 is its last row, to an embedding table none.
            return (self.ranks[ids.clamp(min=0)] >= 0) & (ids >= 0)
        return (ids >= self.candidate_range[0]) & (ids <= self.candidate_range[1])

    def rank_of(self, ids: Tensor) -> Tensor:
        """The place of candidates among the candidates, (*) -> (*) in [0, N); undefined for other rows."""
        return self.ranks[ids] if self.candidate_range is None else ids - self.candidate_range[0]

    def row_at(self, rank: Tensor) -> Tensor:
        """The inverse of `rank_of`: (*) in [0, N) -> rows (*)."""
        return self.candidates[rank] if self.candidate_range is None else rank + self.candidate_range[0]

    def draw_others(self, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Another candidate for each of ``ids``, (*) -> (*), all alike likely; of no use for ids that are none."""
        others = torch.randint(self.num_candidates - 1, ids.shape, device=ids.device, **generator_argument(generator))
        return self.other_rows(ids, others)

    def other_rows(self, ids: Tensor, others: Tensor) -> Tensor:
        """The candidates at places ``others`` (*) in [0, N - 1) among all but the id's own, (*) -> (*)."""
        return self.row_at(others + (others >= self.rank_of(ids)))  # from its own rank on they move up by one

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.STRENGTH}={self.strength}, candidates={self.num_candidates}"


class BernoulliPerturbation(Perturbation):
    """Something happens with a probability ``prob``, each time independently.

    Raises:
        ValueError: `prob` outside [0, 1]; what `Perturbation` raises.
    """

    def __init__(self, num_embeddings: int, prob: float, candidates: Iterable[int] | Tensor | None = None) -> None:
        super().__init__(num_embeddings, candidates)
        self.prob = prob

    @property
    def prob(self) -> float:
        """May be set anew at any time."""
        return self._prob

    @prob.setter
    def prob(self, value: float) -> None:
        self._prob = check_probability("prob", value)


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
