"""`sse-nmt bench train`: target tokens per second of whole training steps, ours beside plain fairseq and its peers."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch

from sse_nmt.bench.batches import synthetic_batches
from sse_nmt.bench.benchmark import Command, Measurements, own, run_benchmark
from sse_nmt.bench.fairseq_step import BFLOAT16, ONEDNN, VARIANTS
from sse_nmt.bench.options import LossOptions, TrainStepOptions
from sse_nmt.bench.peers import peer_commands
from sse_nmt.bench.step_server import PAD, StepSpec, save_batches
from sse_nmt.methods.precision import bfloat16_is_faster, onednn_is_faster
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import check_options
from sse_nmt.system.tables import plain_table

BASE = "fairseq"
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**33)}
_MIB = 2**20


def bench_train(options: TrainStepOptions) -> None:
    """Print a table for each size; every variant trains its own model on the same batches, in turn."""
    sizes = _sizes(options)
    commands = variants()
    if options.peers is not None:
        commands.update(peer_commands(Path(options.peers)))
    for vocab_size, embed_dim in sizes:
        _bench_size(options, vocab_size, embed_dim, commands)


def variants() -> dict[str, Command]:
    """Those of this environment: what is for certain processors on those, and where no GPU takes their place.

    fairseq comes a second time, with memory that glibc keeps from step to step.
    """
    no_gpu = not torch.cuda.is_available()
    pays = {ONEDNN: no_gpu and onednn_is_faster(), BFLOAT16: no_gpu and bfloat16_is_faster()}
    first, *others = (name for name in VARIANTS if pays.get(name, True))
    kept = {f"{first}, memory kept": own("fairseq_step", first, KEEP_MEMORY)}
    return {first: own("fairseq_step", first)} | kept | {name: own("fairseq_step", name) for name in others}


def _bench_size(options: TrainStepOptions, vocab_size: int, embed_dim: int, commands: Mapping[str, Command]) -> None:
    batches = synthetic_batches(vocab_size, options.tokens, options.batches, options.seed)
    tokens = [int(pair.target.ne(PAD).sum()) for pair in batches]
    padding = 1 - sum(tokens) / sum(pair.target.numel() for pair in batches)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "batches.npz")
        save_batches(path, batches)
        spec = StepSpec(
            vocab_size=vocab_size, embed_dim=embed_dim, layers=options.layers, batches=str(path), seed=options.seed
        )
        title, starts = f"V = {vocab_size:,}, width {embed_dim}", min(options.starts, options.rounds)
        measured = run_benchmark(commands, spec, len(batches), options.rounds, title, starts)
    print(
        f"{title}, {options.layers} + {options.layers} layers; at most {options.tokens:,} tokens a batch, of the "
        f"target's {padding:.0%} padding; {conditions(options)}, starts: {starts}"
    )
    print(table(measured, [tokens[number % len(tokens)] for number in range(options.rounds)]), flush=True)


def conditions(options: TrainStepOptions | LossOptions) -> str:
    machine = "GPU" if torch.cuda.is_available() else f"{torch.get_num_threads()} threads"
    return f"seed {options.seed}, {machine}, {options.rounds} rounds in turn, median [quartiles]"


def table(measured: Mapping[str, Measurements], tokens: list[int]) -> str:
    """A row for each variant; the first is what the others are compared with."""
    base = measured[BASE]
    rows = [("", "tokens/s", f"times {BASE}", "peak MiB", "parameters", "")]
    for name, each in measured.items():
        rows.append(
            (
                name,
                f"{each.rate(tokens):,.0f}",
                f"{each.speed_up(base):.3f}",
                f"{each.peak / _MIB:,.0f}",
                f"{each.parameters:,}",
                each.version,
            )
        )
    return plain_table(rows[0], rows[1:], left=(0, 5)) + "\n"


def _sizes(options: TrainStepOptions) -> list[tuple[int, int]]:
    check_options(options)
    sizes = [re.fullmatch(r"(\d+)x(\d+)", size) for size in options.sizes.split(",")]
    found = [(int(size[1]), int(size[2])) for size in sizes if size is not None]
    if len(found) < len(sizes) or any(
        vocab_size < 8 or embed_dim < 4 or embed_dim % 4 for vocab_size, embed_dim in found
    ):
        raise UserError(
            "`--sizes` must be vocabulary x width, separated by commas, with at least 8 tokens and a width that is a "
            f"multiple of 4, but is {options.sizes!r} instead."
        )
    return found
