"""A random stream of a method's own: dropout's is left alone, and a resumed run draws what the unbroken one would."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch


def global_rank() -> int:
    """Of this process among those that train together."""
    ready = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_rank() if ready else 0


class UpdateStream:
    """Random numbers from (seed, update, rank, side) alone; the micro-batches of an update share one stream."""

    def __init__(self, seed: int, side: str, rank: Callable[[], int] = global_rank) -> None:
        self._seed = seed
        self.side = side
        self._rank = rank
        self._update = 0
        self._generator: torch.Generator | None = None

    def set_num_updates(self, num_updates: int) -> None:
        """Begin the stream of this update. fairseq says the number before every micro-batch: only a new one counts."""
        if num_updates != self._update:
            self._update = num_updates
            self._generator = None

    def on(self, device: torch.device) -> torch.Generator:
        """The generator of the current update, on ``device``."""
        if self._generator is None or self._generator.device != device:
            self._generator = torch.Generator(device=device)
            self._generator.manual_seed(self._stream_seed())
        return self._generator

    def _stream_seed(self) -> int:
        key = f"{self._seed} {self._update} {self._rank()} {self.side}".encode()
        return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") >> 1
