"""`sse-nmt bench loss`: time and memory of the output layer and its loss alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from sse_nmt.bench.loss_step import CHUNK, VARIANTS
from sse_nmt.bench.options import LossOptions, check_least
from sse_nmt.bench.race import own, race
from sse_nmt.bench.step_server import SPECIALS, Pair, StepSpec, save_batches
from sse_nmt.bench.train import conditions, table


def bench_loss(options: LossOptions) -> None:
    """Print a table: forward and backward from features to gradients, each contestant a process of its own."""
    check_least(options, words=8, width=1, tokens=1, rounds=2)
    target = torch.randint(
        SPECIALS, options.words, (1, options.tokens), generator=torch.Generator().manual_seed(options.seed)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "batches.npz")
        save_batches(path, [Pair(target, target)])
        spec = StepSpec(words=options.words, width=options.width, layers=0, batches=str(path), seed=options.seed)
        laps = race({name: own("loss_step", name) for name in VARIANTS}, spec, 1, options.rounds, "loss")
    print(
        f"V = {options.words:,}, width {options.width}, {options.tokens:,} target tokens, chunks of {CHUNK}; "
        f"{conditions(options)}; one matrix of logits has "
        f"{options.words * options.tokens * 4 / 2**20:,.0f} MiB"
    )
    print(table(laps, [options.tokens] * options.rounds))
