"""How much of a vocabulary and of its text a graph reaches."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sse_nmt.methods.sse import KnowledgeGraph
from sse_nmt.text.dictionary import Vocabulary


@dataclass(frozen=True)
class Coverage:
    words: int  # rows that may be replaced
    with_neighbours: int
    mean_degree: float  # of those
    of_tokens: float  # their share of the running tokens of all words

    @classmethod
    def of(cls, graph: KnowledgeGraph, vocabulary: Vocabulary) -> Coverage:
        words = torch.tensor(vocabulary.words, dtype=torch.long)
        if graph.candidates is not None:
            words = words[graph.candidates[words]]
        degrees, counts = graph.degrees[words], torch.tensor(vocabulary.counts)[words].double()
        reached = degrees > 0
        share = float(counts[reached].sum() / counts.sum().clamp(min=1))
        return cls(len(words), int(reached.sum()), _mean_degree(degrees), share)

    def __str__(self) -> str:
        return (
            f"{self.with_neighbours:,} of {self.words:,} rows with neighbours, mean degree {self.mean_degree:.1f}, "
            f"{self.of_tokens:.1%} of running tokens covered"
        )


def reach(graph: KnowledgeGraph) -> str:
    """The same of a graph alone, whose words and counts are not known."""
    degrees = graph.degrees
    candidates = graph.rows if graph.candidates is None else int(graph.candidates.sum())
    return (
        f"{int((degrees > 0).sum()):,} of {candidates:,} rows with neighbours, mean degree {_mean_degree(degrees):.1f}"
    )


def _mean_degree(degrees: Tensor) -> float:
    """Of the rows that have neighbours."""
    return float(degrees.sum() / (degrees > 0).sum().clamp(min=1))
