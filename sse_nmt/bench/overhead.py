"""`sse-nmt bench overhead`: the step time of `translation_sse` beside that of `translation`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from fairseq import optim, tasks
from fairseq.data import Dictionary

from sse_nmt.bench.fairseq_setting import configuration, dictionary
from sse_nmt.bench.options import OverheadOptions
from sse_nmt.bench.step_server import StepSpec
from sse_nmt.bench.timing import Spread, interleaved
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import check_options

_SENTENCE = 25  # tokens
_HEADS = StepSpec.heads


def bench_overhead(options: OverheadOptions) -> None:
    """Print both step times and their ratio, pair by pair, on the same batches."""
    check_options(options)
    if options.embed_dim % _HEADS:
        raise UserError(f"`--embed-dim` must be a multiple of {_HEADS}, but is {options.embed_dim} instead.")
    steps = [training_step(task, options) for task in ("translation", "translation_sse")]
    plain, sse = interleaved(steps, options.pairs)
    ratio = Spread.of([b / a for a, b in zip(plain, sse, strict=True)])
    print(f"{options.layers} + {options.layers} layers, width {options.embed_dim}, V = {options.vocab_size:,}, "
          f"{options.tokens:,} target tokens a batch, seed {options.seed}, {torch.get_num_threads()} threads, "
          f"{options.pairs} pairs of steps in turn, median [quartiles]")  # fmt: skip
    for name, seconds in (("translation", plain), ("translation_sse", sse)):
        spread = Spread.of([second * 1e3 for second in seconds])
        print(f"{name:<16}{spread.median:9.1f} ms [{spread.low:.1f}, {spread.high:.1f}]")
    print(f"{'ratio':<16}{ratio.median:9.4f}    [{ratio.low:.4f}, {ratio.high:.4f}]")


def training_step(name: str, options: OverheadOptions) -> Callable[[], None]:
    """A full update (forward, backward, Adam) of a seeded model under the task of that name."""
    spec = StepSpec(options.vocab_size, options.embed_dim, options.layers, batches="", seed=options.seed)
    config = configuration(spec, name)
    entries = dictionary(options.vocab_size)
    task = tasks.TASK_REGISTRY[name](config.task, entries, entries)
    torch.manual_seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = task.build_model(config.model).to(device)
    criterion = task.build_criterion(config.criterion)
    optimizer = optim.build_optimizer(config.optimizer, [p for p in model.parameters() if p.requires_grad])
    batches = [_batch(entries, options, number, device) for number in range(8)]
    updates = 0

    def step() -> None:
        nonlocal updates
        task.train_step(batches[updates % len(batches)], model, criterion, optimizer, updates)
        optimizer.step()
        optimizer.zero_grad()
        updates += 1

    return step


def _batch(entries: Dictionary, options: OverheadOptions, number: int, device: str) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(options.seed * 1000 + number)
    sentences = max(1, options.tokens // _SENTENCE)
    shape = (sentences, _SENTENCE)
    source, target = (
        torch.randint(entries.nspecial, len(entries), shape, generator=generator).to(device) for _ in range(2)
    )
    previous = torch.cat((torch.full_like(target[:, :1], entries.eos()), target[:, :-1]), dim=1)
    lengths = torch.full((sentences,), _SENTENCE, device=device)
    net_input = {"src_tokens": source, "src_lengths": lengths, "prev_output_tokens": previous}
    return {"net_input": net_input, "target": target, "ntokens": target.numel(), "nsentences": sentences}
