"""SSE's draws by counting: of an id, its place and the number of the draw come four words, and of those all the rest.

The torch form, on any device. On CUDA one kernel does the same, bit for bit (`triton_draw`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from sse_nmt.methods.counter_stream import CALL, KEY, REPLACED, CounterStream
from sse_nmt.methods.philox import philox
from sse_nmt.methods.triton_use import triton_runs

if TYPE_CHECKING:
    from sse_nmt.methods.sse.uniform_transition import UniformTransition

ALL = 2**32  # words there are; a probability of p0 is so many of them


class GraphTables(NamedTuple):
    """Those of a `GraphTransition`, under their names there."""

    starts: Tensor
    neighbours: Tensor
    near: Tensor
    thresholds: Tensor | None
    aliases: Tensor | None


def counted_sample(transition: UniformTransition, ids: Tensor, stream: CounterStream) -> Tensor:
    """As `Transition.sample`, (*) -> (*); the stream has counted the draw and its replacements afterwards."""
    if ids.numel() == 0:
        return ids.clone()
    if not triton_runs(ids.device):
        return counted_in_torch(transition, ids, stream)
    from sse_nmt.methods.sse.triton_draw import launch

    return launch(transition, ids, stream.state)


def counted_in_torch(transition: UniformTransition, ids: Tensor, stream: CounterStream) -> Tensor:
    """Ids (*) -> ids (*), without Triton."""
    state = stream.state
    place = torch.arange(ids.numel(), device=ids.device).view(ids.shape)
    words = philox(state[KEY], (place, place * 0, state[CALL].expand(ids.shape), place * 0))
    chosen = transition.is_candidate(ids) & (words[0] < round(transition.prob * ALL))
    old = torch.where(chosen, ids, transition.candidates[0]).long()  # any that can be looked up
    drawn = torch.where(chosen, transition.draw_counted(old, words).to(ids.dtype), ids)
    state[CALL].add_(1)
    state[REPLACED].add_(chosen.sum())
    return drawn


def whole_and_rest(word: Tensor, number: int | Tensor) -> tuple[Tensor, Tensor]:
    """Words (*) -> uniform whole numbers (*) in [0, number), of numbers below 2^31; and what is left, of `ONE`."""
    product = word * number
    return product >> 32, (product & (ALL - 1)) >> 2
