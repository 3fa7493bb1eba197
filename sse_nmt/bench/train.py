"""`sse-nmt bench train`: target tokens per second of whole training steps, ours beside plain fairseq and its peers."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch

from sse_nmt.bench.batches import synthetic_batches
from sse_nmt.bench.fairseq_step import VARIANTS
from sse_nmt.bench.options import LossOptions, TrainOptions, check_least
from sse_nmt.bench.peers import peer_commands
from sse_nmt.bench.race import Command, Laps, own, race
from sse_nmt.bench.step_server import PAD, StepSpec, save_batches
from sse_nmt.bench.table import aligned
from sse_nmt.errors import UserError

BASE = "fairseq"
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**33)}
_MIB = 2**20


def bench_train(options: TrainOptions) -> None:
    """Print a table for each size; every contestant trains its own model on the same batches, in turn."""
    sizes = _sizes(options)
    commands = contestants()
    if options.peers is not None:
        commands.update(peer_commands(Path(options.peers)))
    for words, width in sizes:
        _bench_size(options, words, width, commands)


def contestants() -> dict[str, Command]:
    """Those of this environment. fairseq comes a second time, with memory that glibc keeps from step to step."""
    first, *others = VARIANTS
    kept = {f"{first}, memory kept": own("fairseq_step", first, KEEP_MEMORY)}
    return {first: own("fairseq_step", first)} | kept | {name: own("fairseq_step", name) for name in others}


def _bench_size(options: TrainOptions, words: int, width: int, commands: Mapping[str, Command]) -> None:
    batches = synthetic_batches(words, options.tokens, options.batches, options.seed)
    tokens = [int(pair.target.ne(PAD).sum()) for pair in batches]
    padding = 1 - sum(tokens) / sum(pair.target.numel() for pair in batches)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "batches.npz")
        save_batches(path, batches)
        spec = StepSpec(words=words, width=width, layers=options.layers, batches=str(path), seed=options.seed)
        laps = race(commands, spec, len(batches), options.rounds, f"V = {words:,}, width {width}")
    print(
        f"V = {words:,}, width {width}, {options.layers} + {options.layers} layers; at most {options.tokens:,} tokens "
        f"a batch, of the target's {padding:.0%} padding; {conditions(options)}"
    )
    print(table(laps, [tokens[number % len(tokens)] for number in range(options.rounds)]), flush=True)


def conditions(options: TrainOptions | LossOptions) -> str:
    machine = "GPU" if torch.cuda.is_available() else f"{torch.get_num_threads()} threads"
    return f"seed {options.seed}, {machine}, {options.rounds} rounds in turn, median [quartiles]"


def table(laps: Mapping[str, Laps], tokens: list[int]) -> str:
    """A row for each contestant; the first is what the others are compared with."""
    base = laps[BASE]
    rows = [("", "tokens/s", f"times {BASE}", "peak MiB", "parameters", "")]
    for name, own_laps in laps.items():
        rows.append(
            (
                name,
                f"{own_laps.rate(tokens):,.0f}",
                f"{own_laps.speed_up(base):.3f}",
                f"{own_laps.peak / _MIB:,.0f}",
                f"{own_laps.parameters:,}",
                own_laps.version,
            )
        )
    return aligned(rows, left=(0, 5))


def _sizes(options: TrainOptions) -> list[tuple[int, int]]:
    check_least(options, layers=1, tokens=16, batches=1, rounds=2)
    sizes = [re.fullmatch(r"(\d+)x(\d+)", size) for size in options.sizes.split(",")]
    found = [(int(size[1]), int(size[2])) for size in sizes if size is not None]
    if len(found) < len(sizes) or any(words < 8 or width < 4 or width % 4 for words, width in found):
        raise UserError(
            "`--sizes` must be vocabulary x width, separated by commas, with at least 8 words and a width that is a "
            f"multiple of 4, but is {options.sizes!r} instead."
        )
    return found
