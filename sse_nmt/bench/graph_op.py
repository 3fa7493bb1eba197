"""`sse-nmt bench op --graph`: what one call of the perturbation along a knowledge graph costs, beside SSE-SE."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch

from sse_nmt.bench.options import OpOptions
from sse_nmt.bench.timing import Spread, interleaved
from sse_nmt.methods.sse import GraphTransition, KnowledgeGraph, Transition, UniformTransition
from sse_nmt.system.progress import bar
from sse_nmt.system.tables import plain_table

SIZES = ((8_000, 10), (32_000, 10), (32_000, 100), (1_000_000, 10))  # rows, neighbours of each
SPECIAL = 4
_MASS = 0.5


def graph_table(options: OpOptions, device: str) -> str:
    """Milliseconds of ``sample`` for SSE-SE and, with random neighbours, SSE-Graph; ratios are call by call."""
    rows: list[Sequence[str]] = [
        ("V", "neighbours", "SSE-SE, ms", "SSE-Graph, ms", "weighted, ms", "SSE-Graph / SSE-SE", "weighted / SSE-SE")
    ]
    for size, degree in bar(SIZES, "building and timing", "graph"):
        transitions: list[Transition] = [
            UniformTransition(size, options.prob, range(SPECIAL, size)),
            *(_along(size, degree, weighted, options) for weighted in (False, True)),
        ]
        ids = torch.randint(size, (options.ids,), device=device)
        calls = [partial(transition.to(device).sample, ids) for transition in transitions]
        complete, *along = interleaved(calls, options.repeats)
        ratios = [[own / base for own, base in zip(series, complete, strict=True)] for series in along]
        times = [f"{Spread.of([second * 1e3 for second in series]):.3f}" for series in (complete, *along)]
        rows.append((f"{size:,}", str(degree), *times, *(f"{Spread.of(series):.2f}" for series in ratios)))
    return plain_table(rows[0], rows[1:], left=())


def _along(rows: int, degree: int, weighted: bool, options: OpOptions) -> GraphTransition:
    generator = torch.Generator().manual_seed(options.seed)
    sources = torch.arange(SPECIAL, rows).repeat_interleave(degree)
    others = torch.randint(rows - SPECIAL - 1, sources.shape, generator=generator) + SPECIAL
    weights = 1.0 - torch.rand(sources.shape, generator=generator) if weighted else None
    graph = KnowledgeGraph.from_edges(rows, sources, others + (others >= sources), weights)
    return GraphTransition(rows, options.prob, graph, range(SPECIAL, rows), neighbour_mass=_MASS)
