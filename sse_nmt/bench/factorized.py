"""`sse-nmt bench factorized`: what Frobenius decay costs beside weight decay, and what low rank saves."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from typing import Any

import torch
from fairseq.trainer import Trainer

from sse_nmt.bench.batches import synthetic_batches
from sse_nmt.bench.fairseq_step import make_trainer, training_step
from sse_nmt.bench.options import FactorizedOptions
from sse_nmt.bench.step_server import EOS, SPECIALS, StepSpec
from sse_nmt.bench.timing import Spread, interleaved
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import check_options
from sse_nmt.system.tables import plain_table

_SSE_OFF = ("--sse-prob", "0")
_LAYERS = ("--low-rank-layers", "ffn,embeddings,output")
# Named for what it is compared with first.
DECAYS: dict[str, Sequence[str]] = {
    "weight decay": ("--weight-decay", "1e-4"),
    "Frobenius decay": ("--weight-decay", "1e-4", "--frobenius-decay", "1e-4"),
}
SCALES: dict[str, Sequence[str]] = {
    "plain": (),
    "rank scale 0.5": ("--low-rank-scale", "0.5", *_LAYERS),
    "rank scale 0.25": ("--low-rank-scale", "0.25", *_LAYERS),
}


def bench_factorized(options: FactorizedOptions) -> None:
    """Print two tables: training steps with either decay; parameters, steps and translating of low-rank models.

    Raises:
        UserError: too small a number, or heads that do not divide the width.
    """
    check_options(options)
    if options.embed_dim % options.heads:
        raise UserError(f"`--embed-dim` must be a multiple of {options.heads}, but is {options.embed_dim} instead.")
    where = "GPU" if torch.cuda.is_available() else f"{torch.get_num_threads()} threads"
    print(
        f"{options.layers} + {options.layers} layers, width {options.embed_dim}, {options.heads} heads, "
        f"V = {options.vocab_size:,}, one table for source, target and output; batches of {options.tokens:,} tokens, "
        f"padding included; seed {options.seed}, {where}, {options.rounds} rounds in turn, median [quartiles]\n"
    )
    print(_table("step, ms", steps_with_either_decay(options)), end="\n\n", flush=True)
    print(_low_rank_table(options))


def trainers(variants: dict[str, Sequence[str]], options: FactorizedOptions) -> dict[str, Trainer]:
    """One for each variant, from the same seed."""
    spec = StepSpec(
        options.vocab_size, options.embed_dim, options.layers, batches="", seed=options.seed, heads=options.heads
    )
    return {name: make_trainer("translation_sse", (*_SSE_OFF, *words), spec) for name, words in variants.items()}


def steps_with_either_decay(options: FactorizedOptions) -> dict[str, list[float]]:
    """Milliseconds of each round's step."""
    return _milliseconds(_steps(trainers(DECAYS, options), options), options)


def _low_rank_table(options: FactorizedOptions) -> str:
    made = trainers(SCALES, options)
    numbers = {name: sum(p.numel() for p in trainer.model.parameters()) for name, trainer in made.items()}
    plain = numbers[next(iter(numbers))]
    rows = [("", "parameters", "of plain"), *((n, f"{c:,}", f"{c / plain:.2f}") for n, c in numbers.items())]
    steps = _milliseconds(_steps(made, options), options)
    translations = {name: translation(trainer, options) for name, trainer in made.items()}
    seconds = interleaved(list(translations.values()), options.rounds)
    rates = {n: [options.sentences / s for s in series] for n, series in zip(translations, seconds, strict=True)}
    decoding = (
        f"Translating {options.sentences} random sentences of {options.length} tokens into as many, fairseq's beam "
        f"search, beam {options.beam}:\n"
    )
    parts = plain_table(rows[0], rows[1:]), _table("step, ms", steps), decoding + _table("sentences/s", rates)
    return "\n\n".join(parts)


def _steps(made: dict[str, Trainer], options: FactorizedOptions) -> dict[str, Callable[[], object]]:
    batches = synthetic_batches(options.vocab_size, options.tokens, min(8, options.rounds), options.seed)
    return {name: _in_turn(training_step(trainer, batches), len(batches)) for name, trainer in made.items()}


def _in_turn(step: Callable[[int], float], count: int) -> Callable[[], object]:
    numbers = cycle(range(count))
    return lambda: step(next(numbers))


def translation(trainer: Trainer, options: FactorizedOptions) -> Callable[[], Any]:
    """fairseq's own beam search on random sentences; models that have learnt nothing are made to go on to the end."""
    model, task = trainer.get_model(), trainer.task
    search = Namespace(beam=options.beam, max_len_a=0, max_len_b=options.length, min_len=options.length)
    generator = torch.Generator().manual_seed(options.seed)
    source = torch.randint(SPECIALS, options.vocab_size, (options.sentences, options.length), generator=generator)
    source[:, -1] = EOS
    net_input = {"src_tokens": source, "src_lengths": torch.full((options.sentences,), options.length)}
    if trainer.cuda:
        net_input = {name: tensor.cuda() for name, tensor in net_input.items()}
    return partial(_translate, task.build_generator([model], search), model, {"net_input": net_input})


def _translate(generator: Any, model: Any, sample: dict[str, Any]) -> Any:
    model.eval()
    return generator.generate([model], sample)


def _milliseconds(calls: dict[str, Callable[[], object]], options: FactorizedOptions) -> dict[str, list[float]]:
    seconds = interleaved(list(calls.values()), options.rounds)
    return {name: [second * 1e3 for second in series] for name, series in zip(calls, seconds, strict=True)}


def _table(unit: str, series: dict[str, list[float]]) -> str:
    """Each beside the first, round by round."""
    base = next(iter(series))
    rows = [("", unit, f"times {base}")]
    for name, values in series.items():
        ratios = [own / other for own, other in zip(values, series[base], strict=True)]
        rows.append((name, f"{Spread.of(values):.1f}", f"{Spread.of(ratios):.3f}"))
    return plain_table(rows[0], rows[1:])
