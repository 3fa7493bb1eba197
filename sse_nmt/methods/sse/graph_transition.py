"""SSE along a knowledge graph: neighbours stand in for a row more often than others do.

Source: Wu, Li, Hsieh, Sharpnack, "Stochastic Shared Embeddings", NeurIPS 2019 (arXiv 1905.10630).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from sse_nmt.methods.dtypes import double_if_supported
from sse_nmt.methods.perturbation import candidate_rows, check_probability, generator_argument
from sse_nmt.methods.philox import Words
from sse_nmt.methods.sse.counted_draw import GraphTables, whole_and_rest
from sse_nmt.methods.sse.knowledge_graph import KnowledgeGraph
from sse_nmt.methods.sse.neighbour_tables import ONE, NeighbourLists, fixed_point, weight_beyond_one
from sse_nmt.methods.sse.transition import look_up
from sse_nmt.methods.sse.uniform_transition import UniformTransition


def check_rho(name: str, value: float) -> float:
    """Return ``value`` if it is finite and at least 1, raise ValueError otherwise (NaN included)."""
    if not 1.0 <= value < math.inf:
        raise ValueError(f"`{name}` must be at least 1 and finite, but is {value} instead.")
    return float(value)


class GraphTransition(UniformTransition):
    """SSE-Graph, eq. (3): neighbours k ~ j are rho times as likely as other candidates, and p(j, j) = 1 - p0.

    A neighbour of weight w counts 1 + (rho - 1) w. Drawn in two steps, without any V x V table: with probability
    (rho - 1) W_j / ((rho - 1) W_j + N - 1), W_j the sum of j's weights, a neighbour in proportion to its weight,
    else any candidate other than j, as in SSE-SE. Rows without a neighbour are left to SSE-SE alone.

    Args:
        num_embeddings, prob, candidates: as for every `Transition`; candidates are those of the graph as well.
        graph: for as many rows; neighbours that are no candidates do not count.
        rho: at least 1, the same for all rows; or
        neighbour_mass: the share m of a row's replacements that goes to its neighbours, each row having the rho that
            brings it about. (At V = 32,000 and 5 neighbours the paper's rho = 500 is a mass of 0.07.) A row whose
            neighbours have more than m by SSE-SE already keeps rho = 1.

    Raises:
        ValueError: a graph for another number of rows, not exactly one of rho and mass, or one out of range; and as
            `Transition` does.
    """

    starts: Tensor  # (V + 1,) int64, where the neighbours of each row stand
    neighbours: Tensor  # (E + 1,) int32, the last standing for none
    near: Tensor  # (V,) int32, of ONE: the probability of the first step's neighbour
    thresholds: Tensor | None  # (E + 1,) int32, of ONE: of a row's alias table, if there are weights
    aliases: Tensor | None  # (E + 1,) int32, rows

    def __init__(
        self,
        num_embeddings: int,
        prob: float,
        graph: KnowledgeGraph,
        candidates: Iterable[int] | Tensor | None = None,
        *,
        rho: float | None = None,
        neighbour_mass: float | None = None,
    ) -> None:
        if graph.rows != num_embeddings:
            raise ValueError(f"`graph` must be for {num_embeddings} rows, but is for {graph.rows} instead.")
        if (rho is None) == (neighbour_mass is None):
            raise ValueError("Either `rho` or `neighbour_mass` must be given, but not both.")
        if rho is not None:
            check_rho("rho", rho)
        if neighbour_mass is not None:
            check_probability("neighbour_mass", neighbour_mass)
        rows = candidate_rows(num_embeddings, candidates)
        if graph.candidates is not None:
            allowed = graph.candidates.tolist()
            rows = [row for row in rows if allowed[row]]
        super().__init__(num_embeddings, prob, rows)
        lists = NeighbourLists(graph, rows)
        extra = [weight_beyond_one(degree, total, len(rows), rho, neighbour_mass) for degree, total in lists.sums()]
        near = [1.0 if math.isinf(more) else more / (more + len(rows) - 1) for more in extra]
        self._keep_table("starts", lists.starts, torch.long)
        self._keep_table("neighbours", [*lists.neighbours, 0], torch.int32)
        self._keep_table("near", fixed_point(near), torch.int32)
        self.thresholds, self.aliases = None, None
        if lists.weights is not None:
            thresholds, aliases = lists.alias_tables()
            self._keep_table("thresholds", fixed_point([*thresholds, 1.0]), torch.int32)
            self._keep_table("aliases", [*aliases, 0], torch.int32)

    def draw(self, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        first, second = torch.rand(
            (2, *ids.shape), dtype=double_if_supported(ids.device), device=ids.device, **generator_argument(generator)
        )
        start = look_up(self.starts, ids)
        place = first * (look_up(self.starts, ids + 1) - start)
        number = place.long()
        rest = (place - number) * ONE  # what is left of the number after its whole part is uniform again
        return self._near_or(super().draw(ids, generator), ids, start + number, rest, second * ONE)

    def draw_counted(self, ids: Tensor, words: Words) -> Tensor:
        start = look_up(self.starts, ids)
        number, rest = whole_and_rest(words[3], look_up(self.starts, ids + 1) - start)
        return self._near_or(super().draw_counted(ids, words), ids, start + number, rest, words[2] >> 2)

    def _near_or(self, others: Tensor, ids: Tensor, places: Tensor, rests: Tensor, uniform: Tensor) -> Tensor:
        """The neighbours at ``places`` or ``others``, (*) each; ``rests`` and ``uniform`` are uniform below `ONE`."""
        neighbours = look_up(self.neighbours, places)
        if self.thresholds is not None and self.aliases is not None:
            own = rests < look_up(self.thresholds, places)
            neighbours = torch.where(own, neighbours, look_up(self.aliases, places))
        return torch.where(uniform < look_up(self.near, ids), neighbours.long(), others)

    def graph_tables(self) -> GraphTables:
        return GraphTables(self.starts, self.neighbours, self.near, self.thresholds, self.aliases)

    def neighbour_masses(self) -> Tensor:
        """(N,) float64 on the CPU: the share of each candidate's replacements that goes to its neighbours."""
        rows = self.candidates.cpu()
        near = self.near.cpu().double()[rows] / ONE
        return near + (1.0 - near) * self.starts.cpu().diff()[rows] / (self.num_candidates - 1)

    def probabilities(self) -> Tensor:
        """As drawn from the tables, whose probabilities are exact to 1e-9."""
        matrix = super().probabilities()
        near = self.near.cpu().double() / ONE
        for row in self.candidates.tolist():
            matrix[row] *= 1.0 - near[row]
            start, end = self.starts[row : row + 2].tolist()
            if start < end:
                matrix[row] += self.prob * near[row] * self._neighbour_probabilities(start, end)
            matrix[row, row] = 1.0 - self.prob
        return matrix

    def _neighbour_probabilities(self, start: int, end: int) -> Tensor:
        """(V,): what the neighbours between two places are drawn with."""
        places = slice(start, end)
        kept = torch.ones(end - start, dtype=torch.float64)
        if self.thresholds is not None:
            kept = self.thresholds[places].cpu().double() / ONE
        drawn = torch.zeros(self.num_embeddings, dtype=torch.float64)
        drawn.index_add_(0, self.neighbours[places].cpu(), kept)
        if self.aliases is not None:
            drawn.index_add_(0, self.aliases[places].cpu(), 1.0 - kept)
        return drawn / (end - start)
