"""Transitions to draw from by counting."""

from __future__ import annotations

import torch

from sse_nmt.methods.sse import GraphTransition, KnowledgeGraph, UniformTransition

ROWS = 24
CANDIDATES = {"all": None, "range": range(4, ROWS), "scattered": range(4, ROWS, 3)}


def transitions(candidates: str, prob: float = 0.3) -> dict[str, UniformTransition]:
    """One of each kind; row 4 has no neighbours."""
    generator = torch.Generator().manual_seed(1)
    sources = torch.arange(5, ROWS).repeat_interleave(6)
    targets = torch.randint(ROWS - 1, sources.shape, generator=generator)
    targets += targets >= sources
    weights = 1.0 - torch.rand(sources.shape, generator=generator)
    rows = CANDIDATES[candidates]
    return {
        "uniform": UniformTransition(ROWS, prob, rows),
        **{
            name: GraphTransition(
                ROWS, prob, KnowledgeGraph.from_edges(ROWS, sources, targets, each), rows, neighbour_mass=0.5
            )
            for name, each in (("graph", None), ("weighted graph", weights))
        },
    }
