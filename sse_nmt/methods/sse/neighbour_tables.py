"""What a draw among neighbours looks up: built once, as Python numbers, since fake tensors have none to look at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from sse_nmt.methods.sse.knowledge_graph import KnowledgeGraph

ONE = 2**30  # probabilities in tables are whole multiples of 1 / ONE: model.half() leaves integers alone


def fixed_point(probabilities: Iterable[float]) -> list[int]:
    """Probabilities as whole multiples of 1 / ONE."""
    return [round(probability * ONE) for probability in probabilities]


def weight_beyond_one(degree: int, total: float, candidates: int, rho: float | None, mass: float | None) -> float:
    """(rho - 1) W of a row: what its neighbours weigh beyond the 1 that every candidate has.

    From m = (d + extra) / (N - 1 + extra), where the mass m is given.
    """
    if degree == 0:
        return 0.0
    if rho is not None:
        return (rho - 1.0) * total
    assert mass is not None
    return math.inf if mass == 1.0 else max(0.0, (mass * (candidates - 1) - degree) / (1.0 - mass))


class NeighbourLists:
    """The graph among the candidates."""

    def __init__(self, graph: KnowledgeGraph, rows: Sequence[int]) -> None:
        candidates = bytearray(graph.rows)
        for row in rows:
            candidates[row] = True
        offsets, neighbours = graph.offsets.tolist(), graph.neighbours.tolist()
        weights = None if graph.weights is None else graph.weights.tolist()
        self.starts, self.neighbours = [0], []
        self.weights: list[float] | None = None if weights is None else []
        for row in range(graph.rows):
            places = range(offsets[row], offsets[row + 1]) if candidates[row] else ()
            kept = [place for place in places if candidates[neighbours[place]]]
            self.neighbours += [neighbours[place] for place in kept]
            if weights is not None and self.weights is not None:
                self.weights += [weights[place] for place in kept]
            self.starts.append(len(self.neighbours))

    def sums(self) -> Iterator[tuple[int, float]]:
        """Degree and sum of the weights of each row."""
        for start, end in pairwise(self.starts):
            yield end - start, float(end - start) if self.weights is None else math.fsum(self.weights[start:end])

    def alias_tables(self) -> tuple[list[float], list[int]]:
        """One table a row, one after the other; aliases as rows."""
        assert self.weights is not None
        thresholds: list[float] = []
        aliases: list[int] = []
        for start, end in pairwise(self.starts):
            if start < end:
                own, places = alias_table(self.weights[start:end])
                thresholds += own
                aliases += [self.neighbours[start + place] for place in places]
        return thresholds, aliases


def alias_table(weights: Sequence[float]) -> tuple[list[float], list[int]]:
    """(thresholds, aliases) of Walker's alias method, built as Vose (1991) does.

    A place i drawn uniformly and kept with probability ``thresholds[i]``, or else exchanged for ``aliases[i]``, is
    distributed in proportion to ``weights``, which are positive.
    """
    mean = sum(weights) / len(weights)
    shares = [weight / mean for weight in weights]
    aliases = list(range(len(shares)))
    light = [place for place, share in enumerate(shares) if share < 1.0]
    heavy = [place for place, share in enumerate(shares) if share >= 1.0]
    while light and heavy:
        small, large = light.pop(), heavy[-1]
        aliases[small] = large
        shares[large] -= 1.0 - shares[small]
        if shares[large] < 1.0:
            light.append(heavy.pop())
    for place in (*light, *heavy):  # what is left is 1 but for rounding
        shares[place] = 1.0
    return shares, aliases
