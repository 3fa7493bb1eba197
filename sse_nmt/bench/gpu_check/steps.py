"""Whole updates of fairseq's Trainer: what `translation_sse` adds to `translation`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle

from sse_nmt.adapters.losses.criterion import NAME
from sse_nmt.bench.batches import synthetic_batches
from sse_nmt.bench.fairseq_step import make_trainer, training_step
from sse_nmt.bench.gpu_check.findings import Finding
from sse_nmt.bench.step_server import PAD, StepSpec
from sse_nmt.bench.timing import Spread, interleaved

PART = "step"
PRECISIONS: dict[str, tuple[str, ...]] = {"fp32": (), "fp16": ("--fp16",), "bf16": ("--bf16",)}
_BATCHES = 4
# name: task, further options
_SYSTEMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "translation": ("translation", ()),
    "translation_sse": ("translation_sse", ()),
    "translation_sse, fused loss": ("translation_sse", ("--criterion", NAME)),
    "translation_sse, fused loss in chunks of 512": (
        "translation_sse",
        ("--criterion", NAME, "--loss-chunk-tokens", "512"),
    ),
}


def check_steps(precision: str, spec: StepSpec, tokens: int, rounds: int) -> Iterator[Finding]:
    """Each system's own model on the same batches, in turn; ratios are round by round."""
    batches = synthetic_batches(spec.vocab_size, tokens, _BATCHES, spec.seed)
    count = sum(int(pair.target.ne(PAD).sum()) for pair in batches) / len(batches)
    steps = []
    for task, further in _SYSTEMS.values():
        step = training_step(make_trainer(task, (*PRECISIONS[precision], *further), spec), batches)
        for number in range(_BATCHES):  # lengths of their own: fp16's scale settles, memory is there
            step(number)
        steps.append(partial(_next, step, cycle(range(_BATCHES))))
    seconds = interleaved(steps, rounds)
    plain = seconds[0]
    for name, series in zip(_SYSTEMS, seconds, strict=True):
        ratio = Spread.of([own / base for own, base in zip(series, plain, strict=True)])
        milliseconds = Spread.of([second * 1e3 for second in series])
        yield Finding(
            PART, f"{name}, {precision}, {tokens:,} tokens", None,
            {
                "ms": f"{milliseconds:.2f}", "ratio to translation": f"{ratio:.4f}",
                "target tokens/s": int(count / milliseconds.median * 1e3),
            },
        )  # fmt: skip


def _next(step: Callable[[int], float], numbers: Iterator[int]) -> None:
    step(next(numbers))
