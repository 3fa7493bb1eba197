"""SSE's draws by counting, a side's batch in one kernel."""
# mypy: disallow-untyped-defs=false
# What Triton compiles is Python to the eye alone: its arguments are pointers.

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl
from torch import Tensor

from sse_nmt.methods.counter_stream import CALL, FINISHED, KEY, REPLACED
from sse_nmt.methods.sse.counted_draw import ALL

if TYPE_CHECKING:
    from sse_nmt.methods.sse.uniform_transition import UniformTransition

_BLOCK = 1024  # ids of one block of the kernel
_KEY, _CALL, _FINISHED, _REPLACED = map(tl.constexpr, (KEY, CALL, FINISHED, REPLACED))


def launch(transition: UniformTransition, ids: Tensor, state: Tensor) -> Tensor:
    """Ids (*), not empty, -> ids (*); the draw and its replacements are counted in ``state`` (a `CounterStream`'s)."""
    ids = ids.contiguous()
    drawn = torch.empty_like(ids)
    range_, graph = transition.candidate_range, transition.graph_tables()
    first, last = range_ or (0, 0)
    blocks = triton.cdiv(ids.numel(), _BLOCK)
    with torch.cuda.device(ids.get_device()):  # Triton launches on the current one
        _draw[(blocks,)](
            ids, drawn, state, transition.ranks, transition.candidates,
            *(state if table is None else table for table in graph or (None,) * 5),
            ids.numel(), blocks, round(transition.prob * ALL),
            transition.num_embeddings, transition.num_candidates, first, last,
            RANGE=range_ is not None, GRAPH=graph is not None, WEIGHTS=graph is not None and graph.aliases is not None,
            BLOCK=_BLOCK,
        )  # fmt: skip
    return drawn


_VARY = ("count", "blocks", "chance", "num_embeddings", "num_candidates", "first", "last")


@triton.jit(do_not_specialize=_VARY)
def _draw(
    ids, drawn, state, ranks, candidates, starts, neighbours, near, thresholds, aliases,
    count, blocks, chance, num_embeddings, num_candidates, first, last,
    RANGE: tl.constexpr, GRAPH: tl.constexpr, WEIGHTS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    block = tl.program_id(0)
    place = block * BLOCK + tl.arange(0, BLOCK)
    inside = place < count
    id_ = tl.load(ids + place, mask=inside, other=0).to(tl.int64)
    zero = tl.zeros((BLOCK,), tl.int32)
    call = tl.load(state + _CALL).to(tl.int32) + zero
    w0, w1, w2, w3 = tl.philox(tl.load(state + _KEY), place.to(tl.int32), zero, call, zero)
    chosen = inside & (w0.to(tl.int64) < chance)
    if RANGE:
        chosen = chosen & (id_ >= first) & (id_ <= last)
        rank = id_ - first
    else:
        chosen = chosen & (id_ >= 0) & (id_ < num_embeddings)
        rank = tl.load(ranks + id_, mask=chosen, other=-1)
        chosen = chosen & (rank >= 0)
    other = (w1.to(tl.int64) * (num_candidates - 1)) >> 32
    other += (other >= rank).to(tl.int64)
    new = other + first if RANGE else tl.load(candidates + other, mask=chosen, other=0)
    if GRAPH:
        start = tl.load(starts + id_, mask=chosen, other=0)
        degree = tl.load(starts + id_ + 1, mask=chosen, other=0) - start
        product = w3.to(tl.int64) * degree
        at = start + (product >> 32)
        neighbour = tl.load(neighbours + at, mask=chosen, other=0)
        if WEIGHTS:
            rest = (product & 0xFFFFFFFF) >> 2  # of ONE, as the thresholds are
            kept = rest < tl.load(thresholds + at, mask=chosen, other=0)
            neighbour = tl.where(kept, neighbour, tl.load(aliases + at, mask=chosen, other=0))
        close = (w2.to(tl.int64) >> 2) < tl.load(near + id_, mask=chosen, other=0)
        new = tl.where(close, neighbour.to(tl.int64), new)
    tl.store(drawn + place, tl.where(chosen, new, id_).to(drawn.dtype.element_ty), mask=inside)
    tl.atomic_add(state + _REPLACED, tl.sum(chosen.to(tl.int64), 0))
    # The last block to end counts the draw: by then all have read its number, and every thread of this one too.
    tl.debug_barrier()
    if tl.atomic_add(state + _FINISHED, 1) == blocks - 1:
        tl.store(state + _FINISHED, 0)
        tl.store(state + _CALL, tl.load(state + _CALL) + 1)
