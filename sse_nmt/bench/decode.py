"""`sse-nmt bench decode`: sentences per second of CTranslate2 and of fairseq-generate, same model, same text."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from sse_nmt.bench.fairseq_generate import binarise_test, generate
from sse_nmt.bench.options import DecodingOptions
from sse_nmt.bench.timing import Spread, interleave
from sse_nmt.evaluation.scoring import metrics
from sse_nmt.runs.model import Model
from sse_nmt.runs.plain_checkpoint import plain_model
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.system.atomic_files import read_lines
from sse_nmt.system.errors import UserError
from sse_nmt.system.machine import cores
from sse_nmt.system.options import check_options
from sse_nmt.system.progress import bar, step
from sse_nmt.system.tables import plain_table
from sse_nmt.text.cleaning import normalise
from sse_nmt.text.pairs import SentencePair
from sse_nmt.text.subwords import load_model
from sse_nmt.translation.engines import CTranslate2Engine
from sse_nmt.translation.options import SearchOptions
from sse_nmt.translation.translator import vocabulary_map_of

BASE = "fairseq-generate"
Translate = Callable[[], tuple[float, list[list[str]]]]  # sentences per second, pieces of the translations


@dataclass
class Result:
    """What one engine did: sentences per second of each round, and its last translations."""

    rates: list[float] = field(default_factory=list)
    translations: list[list[str]] = field(default_factory=list)


def bench_decode(path: Path, options: DecodingOptions) -> None:
    """Print a table: all engines translate the same sentences in turn, with the same search and threads.

    Raises:
        UserError: too small a number, no run folder, or too few sentences in its test text.
    """
    check_options(options)
    run = RunFolder(path)
    model = run.model()
    pairs = _draw(model, options)
    model.check()
    pieces = load_model(run.subword_model)
    source, target = (pieces.encode([pair[side] for pair in pairs], out_type=str) for side in (0, 1))
    search = SearchOptions(beam=options.beam, length_penalty=options.length_penalty)
    with tempfile.TemporaryDirectory() as name:
        with step("Preparing the engines"):
            model = plain_model(model, Path(name))
            data = binarise_test(model, source, target, Path(name))
            variants: dict[int | None, str] = {None: ""}
            if options.candidates is not None:
                variants[options.candidates] = f", {options.candidates} candidates"
            own = {
                f"CTranslate2 {kind}{suffix}": CTranslate2Engine(
                    model, replace(search, compute_type=kind), Path(name, f"ctranslate2{suffix}"),
                    vocabulary_map_of(run, candidates),
                )
                for candidates, suffix in variants.items()
                for kind in ("float32", "int8")
            }  # fmt: skip
            for engine in own.values():
                engine.translate(source)  # loads the model
        device = next(iter(own.values())).device
        engines: dict[str, Translate] = {
            **{name: partial(_timed, engine, source) for name, engine in own.items()},
            BASE: partial(generate, model, data, replace(search, engine="fairseq"), cores(), device),
        }
        results = _in_turn(engines, options.rounds)
    print(
        f"{options.sentences:,} sentences of {model.dictionaries}/test.{model.source_lang}, of "
        f"{sum(map(len, source)) / len(source):.1f} pieces in the mean; beam {options.beam}, length penalty "
        f"{options.length_penalty}, at most {search.max_length} pieces; "
        f"seed {options.seed}, {'GPU' if device == 'cuda' else f'{cores()} threads'}, {options.rounds} rounds in "
        f"turn, median [quartiles]"
    )
    hypotheses = {name: pieces.decode(result.translations) for name, result in results.items()}
    print(_table(results, hypotheses, [target for _, target in pairs]))


def _draw(model: Model, options: DecodingOptions) -> list[SentencePair]:
    """A seeded choice of test pairs, in their order; pairs that lack a side are left out."""
    files = [model.dictionaries / f"test.{language}" for language in (model.source_lang, model.target_lang)]
    for file in files:
        if not file.is_file():
            raise UserError(f"{file} must be the test text, but there is no such file.")
    sides = [[normalise(line) for line in read_lines(file)] for file in files]
    pairs = [pair for pair in zip(*sides, strict=True) if all(pair)]
    if len(pairs) < options.sentences:
        raise UserError(
            f"`--sentences` must be at most {len(pairs)}, all that {files[0]} has, but is {options.sentences} instead."
        )
    return [pairs[i] for i in sorted(random.Random(options.seed).sample(range(len(pairs)), options.sentences))]


def _timed(engine: CTranslate2Engine, source: list[list[str]]) -> tuple[float, list[list[str]]]:
    start = time.perf_counter()
    translations = engine.translate(source)
    return len(source) / (time.perf_counter() - start), translations


def _in_turn(engines: Mapping[str, Translate], rounds: int) -> dict[str, Result]:
    results = {name: Result() for name in engines}
    for number in bar(range(rounds), "translating", "round"):
        for name in interleave(list(engines), number):
            rate, results[name].translations = engines[name]()
            results[name].rates.append(rate)
    return results


def _table(results: Mapping[str, Result], hypotheses: Mapping[str, list[str]], references: list[str]) -> str:
    metric = metrics()["BLEU"]
    bleu = {name: metric.corpus_score(lines, [references]).score for name, lines in hypotheses.items()}
    rows = [("", "sentences/s", f"times {BASE}", "BLEU", "difference")]
    for name, result in results.items():
        ratios = [own / base for own, base in zip(result.rates, results[BASE].rates, strict=True)]
        rows.append(
            (
                name,
                f"{Spread.of(result.rates):.1f}",
                f"{Spread.of(ratios):.2f}",
                f"{bleu[name]:.2f}",
                f"{bleu[name] - bleu[BASE]:+.2f}",
            )
        )
    return f"{plain_table(rows[0], rows[1:])}\nBLEU: {metric.get_signature()}"
