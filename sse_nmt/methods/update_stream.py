"""A random stream of a method's own: dropout's is left alone, and a resumed run draws what the unbroken one would."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch

from sse_nmt.methods.counter_stream import CounterStream


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
        self._counter: CounterStream | None = None

    def set_num_updates(self, num_updates: int) -> None:
        """Begin the stream of this update. fairseq says the number before every micro-batch: only a new one counts."""
        if num_updates != self._update:
            self._update = num_updates
            self._generator = None
            if self._counter is not None:
                self._counter.begin(self._stream_seed())

    def on(self, device: torch.device) -> torch.Generator:
        """The generator of the current update, on ``device``."""
        if self._generator is None or self._generator.device != device:
            self._generator = torch.Generator(device=device)
            self._generator.manual_seed(self._stream_seed())
        return self._generator

    def counter_on(self, device: torch.device) -> CounterStream:
        """The current update for draws by counting: the same object, and the same tensor, as long as the device is."""
        if self._counter is None or self._counter.device != device:
            self._counter = CounterStream(device, self._stream_seed())
        return self._counter

    def _stream_seed(self) -> int:
        key = f"{self._seed} {self._update} {self._rank()} {self.side}".encode()
        return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") >> 1
