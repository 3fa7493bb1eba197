"""SSE-SE: every candidate is as likely as any other to stand in for a row."""

from __future__ import annotations

import torch
from torch import Tensor

from sse_nmt.methods.counter_stream import CounterStream
from sse_nmt.methods.philox import Words
from sse_nmt.methods.sse.counted_draw import GraphTables, counted_sample, whole_and_rest
from sse_nmt.methods.sse.transition import Transition


class UniformTransition(Transition):
    """SSE-SE, eq. (5): p(j, k) = p0 / (N - 1) for every candidate k other than j.

    A replacement always changes the id. (The authors' released code draws from all rows, the id itself
    included, which lowers the probability to p0 (N - 1) / N; we follow the equation.)
    """

    def sample(self, ids: Tensor, source: torch.Generator | CounterStream | None = None) -> Tensor:
        """As every `Transition` does; from a `CounterStream` by counting, which on CUDA is one kernel."""
        return counted_sample(self, ids, source) if isinstance(source, CounterStream) else super().sample(ids, source)

    def draw(self, ids: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return self.draw_others(ids, generator)

    def draw_counted(self, ids: Tensor, words: Words) -> Tensor:
        """As `draw`, from the last three of four words for each id, (*) each; alike likely but for N / 2^32."""
        others, _ = whole_and_rest(words[1], self.num_candidates - 1)
        return self.other_rows(ids, others)

    def graph_tables(self) -> GraphTables | None:
        """What a draw along a graph looks up; None where there is no graph."""
        return None

    def probabilities(self) -> Tensor:
        matrix = torch.eye(self.num_embeddings, dtype=torch.float64)
        rows = self.candidates.cpu()
        off_diagonal = self.prob / (self.num_candidates - 1)
        matrix[rows[:, None], rows[None, :]] = off_diagonal
        matrix[rows, rows] = 1.0 - self.prob
        return matrix
