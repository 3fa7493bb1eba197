"""Systems on newstest2008–2018: BLEU year by year, its means, and the differences to a baseline."""

from __future__ import annotations

import statistics as stdlib_statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sse_nmt.atomic_files import read_json, read_lines
from sse_nmt.corpora.newstest import SETS
from sse_nmt.errors import UserError
from sse_nmt.evaluation.newstest import file_of
from sse_nmt.evaluation.scoring import metrics
from sse_nmt.evaluation.selection import baseline_first, check_each_once, check_one_search
from sse_nmt.evaluation.significance import SEED, Difference, Statistics, mean_score, resampled_differences, statistics

YEARS = tuple(SETS)
MEANS = {"2008–2018": YEARS, "2014–2018": tuple(year for year in YEARS if year >= 2014)}

Hypotheses = dict[int, list[str]]  # year -> lines


@dataclass(frozen=True)
class NewstestRun:
    """One training, scored on all sets."""

    path: Path
    seed: int
    updates: int
    search: dict[str, Any]
    sentences_per_second: float
    scores: dict[int, dict[str, Any]]  # year -> metric -> score and signature

    def score(self, metric: str, years: Sequence[int]) -> float:
        """The mean over ``years``."""
        return stdlib_statistics.mean(self.scores[year][metric]["score"] for year in years)


@dataclass(frozen=True)
class NewstestSystem:
    name: str
    runs: list[NewstestRun]
    by_year: dict[int, Difference]  # BLEU less the baseline's; empty for the baseline itself, like the next
    by_mean: dict[str, Difference]

    def mean(self, metric: str, years: Sequence[int]) -> float:
        return stdlib_statistics.mean(run.score(metric, years) for run in self.runs)

    def deviation(self, metric: str, years: Sequence[int]) -> float | None:
        """Sample standard deviation over the runs, None where there is one only."""
        scores = [run.score(metric, years) for run in self.runs]
        return stdlib_statistics.stdev(scores) if len(scores) > 1 else None

    @cached_property
    def years_ahead(self) -> int:
        return sum(difference.value > 0 for difference in self.by_year.values())


@dataclass(frozen=True)
class NewstestComparison:
    systems: list[NewstestSystem]  # the baseline first
    sentences: dict[int, int]
    signatures: dict[str, str]


def compare_newstest(runs: Sequence[tuple[str, Path]], baseline: str | None = None) -> NewstestComparison:
    """Compare runs scored by `sse-nmt newstest`; runs of one name are seeds of one system.

    Raises:
        UserError: a run with a set missing or of another length, other references, or translated otherwise.
    """
    check_each_once(runs)
    names = baseline_first(runs, baseline)
    references = _references(*runs[0])
    loaded: dict[str, list[NewstestRun]] = {name: [] for name in names}
    counted: dict[str, dict[int, Statistics]] = {name: {year: [] for year in YEARS} for name in names}
    for name, path in runs:
        hypotheses = _hypotheses(name, path, references)
        loaded[name].append(_load(path))
        for year in YEARS:
            counted[name][year] += statistics(metrics()["BLEU"], [hypotheses[year]], references[year])
    check_one_search([run for system in loaded.values() for run in system])
    first, *others = names
    systems = [NewstestSystem(first, loaded[first], {}, {})]
    systems += [_system(name, loaded[name], counted[first], counted[name]) for name in others]
    signatures = {metric: entry["signature"] for metric, entry in systems[0].runs[0].scores[YEARS[0]].items()}
    return NewstestComparison(systems, {year: len(references[year]) for year in YEARS}, signatures)


def _system(
    name: str, runs: list[NewstestRun], baseline: Mapping[int, Statistics], own: Mapping[int, Statistics]
) -> NewstestSystem:
    bleu = metrics()["BLEU"]
    values = {year: mean_score(bleu, own[year]) - mean_score(bleu, baseline[year]) for year in YEARS}
    by_year = {
        year: Difference.of(values[year], resampled_differences(bleu, baseline[year], own[year])) for year in YEARS
    }
    # Sets are resampled each by itself: with one seed for all they would not vary independently.
    drawn = {year: resampled_differences(bleu, baseline[year], own[year], seed=[SEED, year]) for year in YEARS}
    by_mean = {label: _of_mean([values[y] for y in years], [drawn[y] for y in years]) for label, years in MEANS.items()}
    return NewstestSystem(name, runs, by_year, by_mean)


def _of_mean(values: Sequence[float], resampled: Sequence[NDArray[np.float64]]) -> Difference:
    return Difference.of(stdlib_statistics.mean(values), np.mean(resampled, axis=0))


def _references(name: str, path: Path) -> Hypotheses:
    return {year: read_lines(_present(name, path, year, "ref")) for year in YEARS}


def _hypotheses(name: str, path: Path, references: Hypotheses) -> Hypotheses:
    hypotheses = {}
    for year in YEARS:
        hypotheses[year] = read_lines(_present(name, path, year, "hyp"))
        if len(hypotheses[year]) != len(references[year]):
            raise UserError(
                f"{name} must have as many translations of {SETS[year]} as it has sentences, {len(references[year])}, "
                f"but {path} has {len(hypotheses[year])}."
            )
        if read_lines(_present(name, path, year, "ref")) != references[year]:
            raise UserError(f"All systems must be scored on one {SETS[year]}, but the references of {path} differ.")
    return hypotheses


def _present(name: str, path: Path, year: int, kind: str) -> Path:
    file = file_of(path / "scores/newstest", SETS[year], kind)
    if not file.is_file():
        raise UserError(
            f"{name} must have all of newstest2008–2018 (`sse-nmt newstest {path}`), but {path} has no {SETS[year]}."
        )
    return file


def _load(path: Path) -> NewstestRun:
    file = path / "scores/newstest/scores.json"
    if not file.is_file():
        raise UserError(f"{path} must be scored by `sse-nmt newstest {path}`, but holds no scores.json.")
    result, record = read_json(file), read_json(path / "run.json")
    scores = {year: result["sets"][SETS[year]]["scores"] for year in YEARS}
    search = {**result["of"]["search"], "checkpoint": result["of"]["checkpoint"]}
    return NewstestRun(path, record["seed"], result["updates"], search, result["sentences_per_second"], scores)
