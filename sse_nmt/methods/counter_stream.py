"""A random stream without a generator: a key, and the number of the draw, on the device that draws."""

from __future__ import annotations

import torch
from torch import Tensor

KEY, CALL, FINISHED, REPLACED = range(4)


class CounterStream:
    """Where a draw by counting (`philox`) stands; it begins anew with a key, and each draw counts itself.

    All of it is one small tensor on the device: no generator is made or seeded, nothing waits, compilers see a plain
    tensor, and a CUDA graph that is played again draws anew.

    Attributes:
        state: (4,) int64: key, number of the draw, how many blocks of the kernel are done, how many ids were replaced.
    """

    def __init__(self, device: torch.device, key: int = 0) -> None:
        self.state = torch.zeros(4, dtype=torch.long, device=device)
        self.begin(key)

    @property
    def device(self) -> torch.device:
        return self.state.device

    def begin(self, key: int) -> None:
        """Draw from here on as ``key`` says, in [0, 2^63)."""
        self.state[: FINISHED + 1].copy_(torch.tensor((key, 0, 0)), non_blocking=True)

    def take_replaced(self) -> Tensor:
        """How many ids were replaced since it was asked last; a scalar on the device."""
        replaced = self.state[REPLACED].clone()
        self.state[REPLACED].zero_()
        return replaced
