"""`sse-nmt bench loss`: time and memory of the output layer and its loss alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from sse_nmt.bench.benchmark import own, run_benchmark
from sse_nmt.bench.loss_step import CHUNK, VARIANTS
from sse_nmt.bench.options import LossOptions
from sse_nmt.bench.step_server import SPECIALS, StepSpec, TokenBatch, save_batches
from sse_nmt.bench.train import conditions, table
from sse_nmt.system.options import check_options


def bench_loss(options: LossOptions) -> None:
    """Print a table: forward and backward from features to gradients, each variant a process of its own."""
    check_options(options)
    target = torch.randint(
        SPECIALS, options.vocab_size, (1, options.tokens), generator=torch.Generator().manual_seed(options.seed)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "batches.npz")
        save_batches(path, [TokenBatch(target, target)])
        spec = StepSpec(
            vocab_size=options.vocab_size, embed_dim=options.embed_dim, layers=0, batches=str(path), seed=options.seed
        )
        measured = run_benchmark({name: own("loss_step", name) for name in VARIANTS}, spec, 1, options.rounds, "loss")
    print(
        f"V = {options.vocab_size:,}, width {options.embed_dim}, {options.tokens:,} target tokens, chunks of {CHUNK}; "
        f"{conditions(options)}; one matrix of logits has "
        f"{options.vocab_size * options.tokens * 4 / 2**20:,.0f} MiB"
    )
    print(table(measured, [options.tokens] * options.rounds))
