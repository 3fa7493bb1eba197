"""Systems beside each other: scores, their spread over seeds, and their difference to a baseline."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sacrebleu.metrics.base import Metric

from sse_nmt.atomic_files import read_json, read_lines
from sse_nmt.errors import UserError
from sse_nmt.evaluation.scoring import check_lengths, metrics, signatures
from sse_nmt.evaluation.selection import (
    baseline_first,
    check_each_once,
    check_one_search,
    one_of_all,
    say_what_is_scored_anew,
)
from sse_nmt.evaluation.sentence_statistics import Statistics, corpus_score, sentence_statistics
from sse_nmt.evaluation.significance import Difference, Resampled, difference, holm
from sse_nmt.training.training_log import validation_curve

PRIMARY = "BLEU"  # the one number that is tested; the others are described


@dataclass(frozen=True)
class Run:
    """One evaluated training."""

    path: Path
    seed: int
    updates: int  # of the checkpoint that was scored
    search: dict[str, Any]
    scores: dict[str, float]  # as counted now, not as once written
    curve: list[tuple[int, float]]  # (update, validation loss)

    @property
    def best_loss(self) -> float:
        return min(loss for _, loss in self.curve)


@dataclass(frozen=True)
class System:
    name: str
    runs: list[Run]
    differences: dict[str, Difference]  # metric -> difference to the baseline; empty for the baseline itself
    p_value: float | None  # of the primary metric's difference, after Holm's correction over all systems

    def mean(self, metric: str) -> float:
        return statistics.mean(run.scores[metric] for run in self.runs)

    def deviation(self, metric: str) -> float | None:
        """Sample standard deviation over the runs, None where there is one only."""
        return statistics.stdev(run.scores[metric] for run in self.runs) if len(self.runs) > 1 else None

    @property
    def best_loss(self) -> float:
        """Mean over the runs of the lowest validation loss."""
        return statistics.mean(run.best_loss for run in self.runs)


@dataclass(frozen=True)
class Comparison:
    split: str
    sentences: int
    signatures: dict[str, str]
    systems: list[System]  # the baseline first


def compare(
    runs: Sequence[tuple[str, Path]], split: str = "test", baseline: str | None = None, tokenize: str | None = None
) -> Comparison:
    """Compare evaluated runs; runs of one name are seeds of one system, the first name is the baseline.

    Scores are counted from the translations by the sacreBLEU at hand, whatever stands in the run folders.

    Raises:
        UserError: a run not evaluated, of another test text, or with hypotheses missing.
    """
    check_each_once(runs)
    names = baseline_first(runs, baseline)
    references = _references(runs, split)
    measures = _measures(runs, split, tokenize)
    counted = {path: _count(path, split, references, measures) for _, path in runs}
    scores = {
        path: {name: corpus_score(measures[name], counts.sum(axis=0)) for name, counts in counted[path].items()}
        for path in counted
    }
    loaded = {name: [_load(path, split, scores[path]) for other, path in runs if other == name] for name in names}
    check_one_search([run for system in loaded.values() for run in system])
    tested: dict[str, dict[str, Difference]] = {name: {} for name in names}
    for key, metric in measures.items():
        resampled = {
            name: Resampled.of(metric, [counted[run.path][key] for run in loaded[name]])
            for name in names
            if len(names) > 1
        }
        for name in names[1:]:
            tested[name][key] = difference(resampled[names[0]], resampled[name])
    corrected = holm({name: tested[name][PRIMARY].p_value for name in names[1:]})
    systems = [System(name, loaded[name], tested[name], corrected.get(name)) for name in names]
    return Comparison(split, len(references), signatures(measures), systems)


def _measures(runs: Sequence[tuple[str, Path]], split: str, tokenize: str | None) -> dict[str, Metric]:
    """Those of the target language; with the tokeniser that `sse-nmt evaluate` was told, unless told otherwise."""
    records = [read_json(path / "run.json") for _, path in runs]
    language = one_of_all([record.get("target_lang") for record in records], runs, "target language")
    if tokenize is None:
        scored = [read_json(path / "scores" / f"{split}.json") for _, path in runs]
        tokenize = one_of_all([result.get("tokenize") for result in scored], runs, "tokeniser (see `--tokenize`)")
    return metrics(language, tokenize)


def _references(runs: Sequence[tuple[str, Path]], split: str) -> list[str]:
    """The one test text of all runs."""
    first: list[str] | None = None
    for _, path in runs:
        for kind in ("ref", "hyp", "json"):
            if not (path / "scores" / f"{split}.{kind}").is_file():
                raise UserError(
                    f"{path} must be evaluated first (`sse-nmt evaluate {path}`), but holds no {split}.{kind}."
                )
        lines = read_lines(path / "scores" / f"{split}.ref")
        if first is None:
            first = lines
        elif lines != first:
            raise UserError(
                f"All runs must be scored on one {split} text, but those of {runs[0][1]} and {path} differ."
            )
    assert first is not None
    return first


def _count(path: Path, split: str, references: list[str], measures: dict[str, Metric]) -> dict[str, Statistics]:
    hypotheses = read_lines(path / "scores" / f"{split}.hyp")
    check_lengths(hypotheses, references, f"The hypotheses of {path}")
    written = read_json(path / "scores" / f"{split}.json")["scores"]
    say_what_is_scored_anew(path, written, signatures(measures))
    return sentence_statistics(path / "scores" / f"{split}.stats.npz", hypotheses, references, measures)


def _load(path: Path, split: str, scores: dict[str, float]) -> Run:
    result, record = read_json(path / "scores" / f"{split}.json"), read_json(path / "run.json")
    curve = validation_curve(path / "train.log")
    if not curve:
        raise UserError(f"{path}/train.log must hold validation losses, but holds none.")
    return Run(path, record["seed"], result["updates"], result["search"], scores, curve)
