"""Embeddings that draw from a stream of their own, which begins anew at each of fairseq's updates."""

from __future__ import annotations

from typing import TypeGuard

import torch
from fairseq.distributed.utils import get_data_parallel_rank
from torch import Tensor, nn

from sse_nmt.adapters.sse.schedule import Schedule
from sse_nmt.methods.noise import NoisyEmbedding
from sse_nmt.methods.perturbation import Perturbation
from sse_nmt.methods.perturbed_embedding import PerturbedEmbedding
from sse_nmt.methods.sse import GraphTransition, SSEEmbedding, Transition, UniformTransition
from sse_nmt.methods.triton_use import triton_runs
from sse_nmt.methods.update_stream import UpdateStream

ALWAYS = Schedule()
_NO_CANDIDATE = -1


def data_parallel_rank() -> int:
    """Of this process among those that see other batches; models in parts have several processes of one."""
    return int(get_data_parallel_rank()) if torch.distributed.is_initialized() else 0


def counts(perturbation: Perturbation, device: torch.device) -> TypeGuard[UniformTransition]:
    """Whether it draws there by counting: SSE does where that is one kernel; a subclass may draw in another way."""
    return type(perturbation) in (UniformTransition, GraphTransition) and triton_runs(device)


def sample_from(stream: UpdateStream, transition: Transition, ids: Tensor) -> Tensor:
    """As `Transition.sample`, (*) -> (*), from the stream in the way that suits the device of ``ids``."""
    if counts(transition, ids.device):
        return transition.sample(ids, stream.counter_on(ids.device))
    return transition.sample(ids, stream.on(ids.device))


class SeededEmbedding(PerturbedEmbedding):
    """Draws from an `UpdateStream`, as strongly as a schedule says; fairseq's models tell it the number of updates."""

    def __init__(
        self, embedding: nn.Embedding, perturbation: Perturbation, stream: UpdateStream, schedule: Schedule = ALWAYS
    ) -> None:
        super().__init__(embedding, perturbation)
        self._stream, self._schedule = stream, schedule
        self._strength = perturbation.strength
        self._replaced: Tensor | None = None
        self._kept: Tensor | None = None
        self.set_num_updates(0)

    @property
    def side(self) -> str:
        return self._stream.side

    def draw(self, input: Tensor) -> Tensor:
        """Ids (*) -> ids (*), of which some are replaced; counts them, on the device."""
        drawn = super().draw(input)
        if self._kept is not None:
            drawn = torch.where(self._kept, input, drawn)
        if not counts(self.perturbation, input.device):
            replaced = (drawn != input).sum()
            self._replaced = replaced if self._replaced is None else self._replaced + replaced
        return drawn

    def draw_checked(self, input: Tensor) -> Tensor:
        if not counts(self.perturbation, input.device):
            return super().draw_checked(input)
        ids = input if self._kept is None else torch.where(self._kept, _NO_CANDIDATE, input)
        return sample_from(self._stream, self.perturbation, ids)

    def keep(self, places: Tensor | None) -> None:
        """Ids there (*) are not replaced, until told otherwise; the same numbers are drawn all the same."""
        self._kept = places

    def take_replaced(self) -> Tensor:
        """How many ids were replaced since it was asked last; a scalar on the device."""
        replaced, self._replaced = self._replaced, None
        if replaced is not None:
            return replaced
        device = self.weight.device
        if counts(self.perturbation, device):
            return self._stream.counter_on(device).take_replaced()
        return torch.zeros((), dtype=torch.long, device=device)

    def set_num_updates(self, num_updates: int) -> None:
        self._stream.set_num_updates(num_updates)
        if self._schedule != ALWAYS:
            self.perturbation.strength = self._strength * self._schedule.factor(num_updates)

    def generator_for(self, device: torch.device) -> torch.Generator | None:
        return None if counts(self.perturbation, device) else self._stream.on(device)


class SeededSSEEmbedding(SeededEmbedding, SSEEmbedding):
    """An `SSEEmbedding` in a training of fairseq's."""


class SeededNoisyEmbedding(SeededEmbedding, NoisyEmbedding):
    """A `NoisyEmbedding` in a training of fairseq's."""
