"""`sse-nmt bench gpu`: everything that only a GPU can show, in one file."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import product
from pathlib import Path

import torch

from sse_nmt.bench.gpu_check.attention import check_attention
from sse_nmt.bench.gpu_check.device import machine
from sse_nmt.bench.gpu_check.draws import check_draws
from sse_nmt.bench.gpu_check.findings import Finding, Report
from sse_nmt.bench.gpu_check.losses import check_losses
from sse_nmt.bench.gpu_check.steps import PRECISIONS, check_steps
from sse_nmt.bench.gpu_check.suite import check_suite
from sse_nmt.bench.gpu_check.trainings import check_trainings
from sse_nmt.bench.options import PARTS, GpuCheckOptions
from sse_nmt.bench.step_server import StepSpec
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import check_options
from sse_nmt.system.progress import step

_LEAST_TOKENS = 120  # the longest sentence that is made up


def bench_gpu(options: GpuCheckOptions) -> None:
    """Run every part, write what was found and print it.

    Raises:
        UserError: there is no GPU, and the CPU was not asked for; or a line failed, which is written down all the same.
    """
    check_options(options)
    sizes, parts = _sizes(options), _parts(options)
    if not (options.cpu or torch.cuda.is_available()):
        raise UserError("PyTorch must see a GPU, but sees none; `--cpu` tries the parts on the CPU.")
    with warnings.catch_warnings(action="ignore"):  # of torch, on how fairseq calls it
        report = _checked(options, torch.device("cpu" if options.cpu else "cuda"), sizes, parts)
    print(report.markdown())
    if report.failed:
        lines = ", ".join(f"{finding.part}: {finding.line}" for finding in report.failed)
        raise UserError(f"{len(report.failed)} of {len(report.findings)} lines failed: {lines}.")


def _checked(options: GpuCheckOptions, device: torch.device, sizes: tuple[int, ...], parts: Collection[str]) -> Report:
    report = Report(Path(options.output), machine(device))
    for part, title, check in _checks(options, device, sizes):
        if part in parts:
            with step(title):
                report.collect(part, check)
    return report


def _checks(
    options: GpuCheckOptions, device: torch.device, sizes: tuple[int, ...]
) -> Iterator[tuple[str, str, Callable[[], Iterator[Finding]]]]:
    """Of every check its part, its title, and itself, which is to run before the next is asked for."""
    spec = StepSpec(options.vocab_size, options.embed_dim, options.layers, "", options.seed, heads=options.heads)
    precisions = ["fp32"] if device.type == "cpu" else list(PRECISIONS)  # where fairseq has no other
    draws = (device, spec.vocab_size, sizes, options.rounds, options.seed)
    yield "draw", "Draws", partial(check_draws, *draws)
    losses = (device, spec.vocab_size, spec.embed_dim, sizes[0], options.rounds, options.seed)
    yield "loss", "Losses", partial(check_losses, *losses)
    for tokens in sizes:
        title = f"Attention, {tokens:,} tokens"
        yield "attention", title, partial(check_attention, device, spec.embed_dim, spec.heads, tokens, options.seed)
    for precision, tokens in product(precisions, sizes):
        title = f"Steps, {precision}, {tokens:,} tokens"
        yield "step", title, partial(check_steps, precision, spec, tokens, options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        trainings = (precisions, options.updates, Path(folder), options.seed)
        yield "training", "Trainings", partial(check_trainings, *trainings)
    yield "tests", "Tests", partial(check_suite, Path(options.output))


def _parts(options: GpuCheckOptions) -> list[str]:
    parts = options.parts.split(",")
    if not set(parts) <= set(PARTS):
        raise UserError(
            f"`--parts` must be of {', '.join(PARTS)}, separated by commas, but is {options.parts!r} instead."
        )
    return parts


def _sizes(options: GpuCheckOptions) -> tuple[int, ...]:
    if options.embed_dim % options.heads:
        raise UserError(f"`--embed-dim` must be a multiple of {options.heads}, but is {options.embed_dim} instead.")
    words = options.tokens.split(",")
    if not all(word.isdecimal() and int(word) >= _LEAST_TOKENS for word in words):
        raise UserError(
            f"`--tokens` must be whole numbers from {_LEAST_TOKENS} on, separated by commas, but is {options.tokens!r} "
            "instead."
        )
    return tuple(map(int, words))
