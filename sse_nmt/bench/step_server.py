"""A training step behind standard input and output, so that toolkits in environments of their own can take turns.

Nothing of ours or of fairseq is imported here: other toolkits' Pythons run it, with their own torch.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

BOS, PAD, EOS, UNK, SPECIALS = 0, 1, 2, 3, 4  # fairseq's


@dataclass(frozen=True)
class StepSpec:
    """One model and its training: all toolkits are asked for the same."""

    vocab_size: int  # V, specials included; one vocabulary for both sides
    embed_dim: int
    layers: int  # of the encoder, and of the decoder
    batches: str  # where `save_batches` put them
    seed: int = 1
    threads: int = 0  # 0: torch's own choice
    heads: int = 4
    dropout: float = 0.1
    label_smoothing: float = 0.1
    lr: float = 1e-4

    @property
    def ffn(self) -> int:
        return 4 * self.embed_dim


@dataclass(frozen=True)
class TokenBatch:
    """A batch: ids (B, S) and (B, T), each row ending in EOS, then PAD."""

    source: torch.Tensor
    target: torch.Tensor


@dataclass(frozen=True)
class Variant:
    """A toolkit ready to train: ``step(i)`` is a whole update on batch i, optimiser included; returns the loss."""

    step: Callable[[int], float]
    parameters: int
    version: str


def save_batches(path: Path, batches: list[TokenBatch]) -> None:
    arrays = {f"source{i}": pair.source.numpy() for i, pair in enumerate(batches)}
    arrays.update({f"target{i}": pair.target.numpy() for i, pair in enumerate(batches)})
    np.savez(path, **arrays)  # type: ignore[arg-type]  # its keywords are arrays, but for one


def load_batches(path: str | Path) -> list[TokenBatch]:
    with np.load(path, allow_pickle=False) as arrays:
        count = len(arrays.files) // 2
        return [
            TokenBatch(*(torch.from_numpy(arrays[f"{side}{i}"]) for side in ("source", "target"))) for i in range(count)
        ]


def serve(make: Callable[[StepSpec, list[TokenBatch]], Variant]) -> None:
    """Make the variant that the JSON in the first argument specifies, then time each step asked for.

    Every line of input is the number of a batch; every line of output is JSON. What toolkits print goes to stderr.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    spec = StepSpec(**json.loads(sys.argv[1]))
    if spec.threads:
        torch.set_num_threads(spec.threads)
    torch.manual_seed(spec.seed)
    variant = make(spec, load_batches(spec.batches))
    ready = {"parameters": variant.parameters, "version": variant.version, "torch": torch.__version__}
    print(json.dumps(ready), file=answers, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        loss = variant.step(int(line))
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "loss": loss, "peak": peak_memory()}), file=answers, flush=True)


def peak_memory() -> int:
    """Bytes that this process has had resident at most; on a GPU, that torch has allocated."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    (line,) = (line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
