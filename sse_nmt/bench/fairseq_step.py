"""The step of fairseq's own Trainer, plain and with what is ours."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from importlib.metadata import version
from typing import Any

import torch
from fairseq import tasks
from fairseq.trainer import Trainer

from sse_nmt.adapters.losses.criterion import NAME
from sse_nmt.bench.fairseq_setting import configuration, dictionary
from sse_nmt.bench.step_server import EOS, PAD, StepSpec, TokenBatch, Variant, serve
from sse_nmt.methods.precision import onednn_products

FUSED = ("--criterion", NAME)
CHUNKS = (*FUSED, "--loss-chunk-tokens", "512")
ONEDNN = "the same, products by oneDNN"  # as `sse-nmt train` has them on processors that it makes faster
BFLOAT16 = "the same in bfloat16"
# name: task, further options
VARIANTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "fairseq": ("translation", ()),
    "ours, fairseq's loss": ("translation_sse", ()),
    "ours, fused loss": ("translation_sse", FUSED),
    "ours, fused loss in chunks": ("translation_sse", CHUNKS),
    "ours, chunks, fast dropout": ("translation_sse", (*CHUNKS, "--fast-dropout")),
    ONEDNN: ("translation_sse", (*CHUNKS, "--fast-dropout")),
    BFLOAT16: ("translation_sse", (*CHUNKS, "--fast-dropout", "--cpu-bf16")),
}


def make(variant: str, spec: StepSpec, batches: list[TokenBatch]) -> Variant:
    trainer = make_trainer(*VARIANTS[variant], spec)
    step = training_step(trainer, batches)
    parameters = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
    return Variant(step, parameters, f"ve-fairseq {version('ve-fairseq')}")


def make_trainer(name: str, words: Sequence[str], spec: StepSpec) -> Trainer:
    """fairseq's Trainer for a seeded model, under the task of that name with further options."""
    config = configuration(spec, name, words)
    entries = dictionary(spec.vocab_size)
    task = tasks.TASK_REGISTRY[name](config.task, entries, entries)
    torch.manual_seed(spec.seed)
    return Trainer(config, task, task.build_model(config.model), task.build_criterion(config.criterion))


def training_step(trainer: Trainer, batches: Sequence[TokenBatch]) -> Callable[[int], float]:
    """A whole update on one of the batches, by its number; returns the loss in nats, NaN where fp16 ran over."""
    samples = [_sample(pair) for pair in batches]
    trainer._dummy_batch = samples[0]  # else taken from a data iterator, which there is none of

    def step(number: int) -> float:
        logged = trainer.train_step([samples[number]])
        if logged is None:  # fp16 ran over: the step is not taken, and the loss scale is halved
            return math.nan
        return float(logged["loss"]) * math.log(2)

    return step


def _sample(pair: TokenBatch) -> dict[str, Any]:
    """As fairseq's collater makes it: source padded on the left, previous output shifted by the end of sentence."""
    target = pair.target
    count = target.ne(PAD).sum()
    first = torch.full_like(target[:, :1], EOS)
    previous = torch.cat((first, target[:, :-1].masked_fill(target[:, :-1].eq(EOS), PAD)), dim=1)
    lengths = pair.source.ne(PAD).sum(1)
    net_input = {"src_tokens": _padded_left(pair.source), "src_lengths": lengths, "prev_output_tokens": previous}
    ids = torch.arange(len(target))
    return {"id": ids, "net_input": net_input, "target": target, "ntokens": int(count), "nsentences": len(target)}


def _padded_left(ids: torch.Tensor) -> torch.Tensor:
    padding = ids.eq(PAD).sum(1, keepdim=True)
    columns = torch.arange(ids.size(1)).expand_as(ids)
    return ids.gather(1, (columns - padding) % ids.size(1))


if __name__ == "__main__":
    with onednn_products() if sys.argv[2] == ONEDNN else nullcontext():
        serve(partial(make, sys.argv[2]))
