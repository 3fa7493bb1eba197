"""A knowledge graph over the rows of an embedding table: the relation k ~ j of Wu et al. (2019), eq. (3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

MOST_ROWS = 2**31 - 1


@dataclass(frozen=True, eq=False)
class KnowledgeGraph:
    """Who is whose neighbour, and how closely, in compressed sparse rows, on the CPU; checked whole when made.

    Args:
        offsets: (V + 1,) int64; the neighbours of row j stand at places ``offsets[j]`` to ``offsets[j + 1] - 1``.
        neighbours: (E,) int32, ascending within a row, no row its own neighbour.
        weights: (E,) float32 in (0, 1]; all 1 when None.
        candidates: (V,) bool, the rows that may be replaced and may replace; all when None.
        symmetric: whether every edge has its reverse, of the same weight.

    Raises:
        ValueError: anything of this does not hold.
    """

    offsets: Tensor
    neighbours: Tensor
    weights: Tensor | None = None
    candidates: Tensor | None = None
    symmetric: bool = False

    def __post_init__(self) -> None:
        _check_types(self)
        _check_offsets(self)
        _check_neighbours(self)
        if self.weights is not None:
            _check_weights(self.weights)
        if self.symmetric:
            _check_symmetric(self)

    @classmethod
    def from_edges(
        cls, rows: int, sources: Tensor, targets: Tensor, weights: Tensor | None = None, symmetric: bool = False
    ) -> KnowledgeGraph:
        """The graph of ``rows`` rows with an edge ``sources[i]`` -> ``targets[i]`` for every i, in any order.

        Of an edge that is given several times the largest weight counts. With ``symmetric`` every edge goes both ways.

        Raises:
            ValueError: ends that are no whole numbers, or not as many as the others or the weights; a row outside the
                table, an edge from a row to itself, a weight outside (0, 1].
        """
        _check_edges(sources, targets, weights)
        ends = torch.stack((sources.long(), targets.long()))
        if ends.numel() and (ends.min() < 0 or ends.max() >= rows):
            outside = int(ends.min()) if ends.min() < 0 else int(ends.max())
            raise ValueError(f"An edge must join rows in [0, {rows}), but {outside} is among them.")
        values = torch.ones(ends.shape[1]) if weights is None else weights.float()
        if symmetric:
            ends, values = torch.cat((ends, ends.flip(0)), 1), values.repeat(2)
        keys, which = torch.unique(ends[0] * rows + ends[1], return_inverse=True)
        largest = torch.zeros(len(keys)).scatter_reduce_(0, which, values, "amax", include_self=False)
        degrees = torch.bincount(keys // rows, minlength=rows)
        offsets = torch.cat((torch.zeros(1, dtype=torch.long), degrees.cumsum(0)))
        kept = None if weights is None or bool((largest == 1).all()) else largest
        return cls(offsets, (keys % rows).int(), kept, symmetric=symmetric)

    @property
    def rows(self) -> int:
        """V."""
        return len(self.offsets) - 1

    @property
    def edges(self) -> int:
        """E; an undirected edge counts twice."""
        return len(self.neighbours)

    @property
    def degrees(self) -> Tensor:
        """(V,)."""
        return self.offsets.diff()

    def with_rows(self, rows: int) -> KnowledgeGraph:
        """The same with further rows at the end, which have no neighbours and take no part."""
        more = rows - self.rows
        offsets = torch.cat((self.offsets, self.offsets[-1:].expand(more)))
        candidates = torch.ones(self.rows, dtype=torch.bool) if self.candidates is None else self.candidates
        candidates = torch.cat((candidates, torch.zeros(more, dtype=torch.bool)))
        return KnowledgeGraph(offsets, self.neighbours, self.weights, candidates, self.symmetric)

    def of(self, row: int) -> tuple[Tensor, Tensor]:
        """The neighbours of a row and their weights."""
        places = slice(int(self.offsets[row]), int(self.offsets[row + 1]))
        found = self.neighbours[places]
        return found, torch.ones(len(found)) if self.weights is None else self.weights[places]


def _check_types(graph: KnowledgeGraph) -> None:
    wanted = {
        "offsets": (graph.offsets, torch.int64, None),
        "neighbours": (graph.neighbours, torch.int32, None),
        "weights": (graph.weights, torch.float32, len(graph.neighbours)),
        "candidates": (graph.candidates, torch.bool, len(graph.offsets) - 1),
    }
    for name, (tensor, kind, length) in wanted.items():
        if tensor is None:
            continue
        if tensor.dim() != 1 or tensor.dtype != kind:
            found = f"{tensor.dtype} and shape {tuple(tensor.shape)}"
            raise ValueError(f"`{name}` must be a vector of {kind}, but is of {found} instead.")
        if length is not None and len(tensor) != length:
            raise ValueError(f"`{name}` must have {length} entries, but has {len(tensor)} instead.")


def _check_offsets(graph: KnowledgeGraph) -> None:
    offsets, edges = graph.offsets, len(graph.neighbours)
    if not 2 <= len(offsets) <= MOST_ROWS + 1:
        raise ValueError(f"`offsets` must have 2 to {MOST_ROWS + 1} entries, but has {len(offsets)} instead.")
    if offsets[0] != 0 or offsets[-1] != edges:
        raise ValueError(
            f"`offsets` must go from 0 to {edges}, the number of neighbours, "
            f"but goes from {int(offsets[0])} to {int(offsets[-1])} instead."
        )
    # Not by differences, which could overflow.
    if (offsets[1:] < offsets[:-1]).any():
        raise ValueError("`offsets` must not descend, but does.")


def _check_neighbours(graph: KnowledgeGraph) -> None:
    found, rows = graph.neighbours, graph.rows
    if not len(found):
        return
    if found.min() < 0 or found.max() >= rows:
        outside = int(found.min()) if found.min() < 0 else int(found.max())
        raise ValueError(f"`neighbours` must be in [0, {rows}), but {outside} is among them.")
    sources = _sources(graph)
    same_row = sources[1:] == sources[:-1]
    if (same_row & (found[1:] <= found[:-1])).any():
        raise ValueError("`neighbours` must ascend within each row, but do not.")
    loops = torch.nonzero(sources == found)
    if len(loops):
        raise ValueError(f"`neighbours` must not hold the row itself, but those of {int(found[loops[0]])} do.")


def _check_weights(weights: Tensor) -> None:
    outside = torch.nonzero(~((weights > 0) & (weights <= 1)))  # NaN included
    if len(outside):
        raise ValueError(f"`weights` must be in (0, 1], but {float(weights[outside[0]])} is among them.")


def _check_symmetric(graph: KnowledgeGraph) -> None:
    """Ascending within rows, edges stand in the order of source * V + target; so must their reverses, once sorted."""
    sources, targets = _sources(graph), graph.neighbours.long()
    reverse, order = torch.sort(targets * graph.rows + sources)
    same = torch.equal(reverse, sources * graph.rows + targets)
    if not same or (graph.weights is not None and not torch.equal(graph.weights[order], graph.weights)):
        raise ValueError("A symmetric graph must have every edge both ways and of one weight, but this one has not.")


def _sources(graph: KnowledgeGraph) -> Tensor:
    """(E,): the row of each place."""
    return torch.repeat_interleave(torch.arange(graph.rows), graph.degrees)


def _check_edges(sources: Tensor, targets: Tensor, weights: Tensor | None) -> None:
    for name, ends in (("sources", sources), ("targets", targets)):
        if ends.numel() and (ends.is_floating_point() or ends.is_complex() or ends.dtype == torch.bool):
            raise ValueError(f"`{name}` must be whole numbers, but are of {ends.dtype} instead.")
    shapes = [tuple(each.shape) for each in (sources, targets, weights) if each is not None]
    if len(sources.shape) != 1 or len(set(shapes)) > 1:
        raise ValueError(
            f"Sources, targets and weights must be as many and in one dimension, but came with shapes {shapes}."
        )
