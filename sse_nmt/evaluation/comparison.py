"""Systems beside each other: scores, their spread over seeds, and their difference to a baseline."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sse_nmt.atomic_files import read_json, read_lines
from sse_nmt.errors import UserError
from sse_nmt.evaluation.scoring import check_lengths, metrics, score
from sse_nmt.evaluation.selection import baseline_first, check_each_once, check_one_search
from sse_nmt.evaluation.significance import Difference, paired_bootstrap
from sse_nmt.training.training_log import validation_curve


@dataclass(frozen=True)
class Run:
    """One evaluated training."""

    path: Path
    seed: int
    updates: int  # of the checkpoint that was scored
    search: dict[str, Any]
    hypotheses: list[str]
    scores: dict[str, float]
    curve: list[tuple[int, float]]  # (update, validation loss)

    @property
    def best_loss(self) -> float:
        return min(loss for _, loss in self.curve)


@dataclass(frozen=True)
class System:
    name: str
    runs: list[Run]
    differences: dict[str, Difference]  # metric -> difference to the baseline; empty for the baseline itself

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


def compare(runs: Sequence[tuple[str, Path]], split: str = "test", baseline: str | None = None) -> Comparison:
    """Compare evaluated runs; runs of one name are seeds of one system, the first name is the baseline.

    Raises:
        UserError: a run not evaluated, of another test text, or with hypotheses missing.
    """
    check_each_once(runs)
    names = baseline_first(runs, baseline)
    references, signatures = _references(runs, split)
    loaded = {name: [_load(path, split, references) for other, path in runs if other == name] for name in names}
    check_one_search([run for system in loaded.values() for run in system])
    systems = [System(name, loaded[name], _differences(name, names[0], loaded, references)) for name in names]
    return Comparison(split, len(references), signatures, systems)


def _differences(
    name: str, baseline: str, loaded: Mapping[str, list[Run]], references: list[str]
) -> dict[str, Difference]:
    if name == baseline:
        return {}
    ours, theirs = ([run.hypotheses for run in loaded[system]] for system in (name, baseline))
    return {key: paired_bootstrap(metric, theirs, ours, references) for key, metric in metrics().items()}


def _references(runs: Sequence[tuple[str, Path]], split: str) -> tuple[list[str], dict[str, str]]:
    """The one test text of all runs, and the signatures under which it is scored."""
    first: list[str] | None = None
    for _, path in runs:
        file = path / "scores" / f"{split}.ref"
        if not file.is_file():
            raise UserError(f"{path} must be evaluated first (`sse-nmt evaluate {path}`), but holds no {split}.ref.")
        lines = read_lines(file)
        if first is None:
            first = lines
        elif lines != first:
            raise UserError(
                f"All runs must be scored on one {split} text, but those of {runs[0][1]} and {path} differ."
            )
    assert first is not None
    return first, {name: entry["signature"] for name, entry in score(first[:1], first[:1]).items()}


def _load(path: Path, split: str, references: list[str]) -> Run:
    hypotheses = read_lines(path / "scores" / f"{split}.hyp")
    check_lengths(hypotheses, references, f"The hypotheses of {path}")
    result, record = read_json(path / "scores" / f"{split}.json"), read_json(path / "run.json")
    scores = {name: entry["score"] for name, entry in result["scores"].items()}
    curve = validation_curve(path / "train.log")
    if not curve:
        raise UserError(f"{path}/train.log must hold validation losses, but holds none.")
    return Run(path, record["seed"], result["updates"], result["search"], hypotheses, scores, curve)
