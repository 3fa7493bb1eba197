"""Systems on newstest2008–2018: BLEU year by year, its means, and the differences to a baseline."""

from __future__ import annotations

import statistics as stdlib_statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sacrebleu.metrics.base import Metric

from sse_nmt.atomic_files import read_json, read_lines
from sse_nmt.corpora.newstest import LANGUAGES, SETS
from sse_nmt.errors import UserError
from sse_nmt.evaluation.comparison import PRIMARY
from sse_nmt.evaluation.newstest import count_sets, file_of
from sse_nmt.evaluation.scoring import metrics, signatures
from sse_nmt.evaluation.selection import baseline_first, check_each_once, check_one_search, say_what_is_scored_anew
from sse_nmt.evaluation.sentence_statistics import Statistics, corpus_score
from sse_nmt.evaluation.significance import SEED, Difference, Resampled, difference, holm

YEARS = tuple(SETS)
MEANS = {"2008–2018": YEARS, "2014–2018": tuple(year for year in YEARS if year >= 2014)}
PRIMARY_MEAN = "2008–2018"  # the one number that is tested; years and the other mean are described

Hypotheses = dict[int, list[str]]  # year -> lines


@dataclass(frozen=True)
class NewstestRun:
    """One training, scored on all sets."""

    path: Path
    seed: int
    updates: int
    search: dict[str, Any]
    sentences_per_second: float
    scores: dict[int, dict[str, float]]  # year -> metric -> score, as counted now

    def score(self, metric: str, years: Sequence[int]) -> float:
        """The mean over ``years``."""
        return stdlib_statistics.mean(self.scores[year][metric] for year in years)


@dataclass(frozen=True)
class NewstestSystem:
    name: str
    runs: list[NewstestRun]
    by_year: dict[int, Difference]  # BLEU less the baseline's; empty for the baseline itself, like the next
    by_mean: dict[str, Difference]
    p_value: float | None  # of the primary mean's difference, after Holm's correction over all systems

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
    measures = metrics(LANGUAGES[1])
    loaded: dict[str, list[NewstestRun]] = {name: [] for name in names}
    counted: dict[str, dict[int, list[Statistics]]] = {name: {year: [] for year in YEARS} for name in names}
    for name, path in runs:
        counts = _count(path, _hypotheses(name, path, references), references)
        loaded[name].append(_load(path, counts, measures))
        for year in YEARS:
            counted[name][year].append(counts[year][PRIMARY])
    check_one_search([run for system in loaded.values() for run in system])
    if len(names) == 1:
        systems = [NewstestSystem(names[0], loaded[names[0]], {}, {}, None)]
    else:
        systems = _tested(names, loaded, counted, measures[PRIMARY])
    return NewstestComparison(systems, {year: len(references[year]) for year in YEARS}, signatures(measures))


def _tested(
    names: Sequence[str],
    loaded: Mapping[str, list[NewstestRun]],
    counted: Mapping[str, Mapping[int, Sequence[Statistics]]],
    metric: Metric,
) -> list[NewstestSystem]:
    """Sets are resampled each by itself: with one seed for all they would not vary independently."""
    by_year = {
        name: {year: Resampled.of(metric, counted[name][year], seed=[SEED, year]) for year in YEARS} for name in names
    }
    by_mean = {
        name: {label: Resampled.mean_of([by_year[name][year] for year in years]) for label, years in MEANS.items()}
        for name in names
    }
    first, *others = names
    systems = [NewstestSystem(first, loaded[first], {}, {}, None)]
    means = {n: {label: difference(by_mean[first][label], by_mean[n][label]) for label in MEANS} for n in others}
    corrected = holm({name: means[name][PRIMARY_MEAN].p_value for name in others})
    for name in others:
        years = {year: difference(by_year[first][year], by_year[name][year]) for year in YEARS}
        systems.append(NewstestSystem(name, loaded[name], years, means[name], corrected[name]))
    return systems


def _count(path: Path, hypotheses: Hypotheses, references: Hypotheses) -> dict[int, dict[str, Statistics]]:
    texts = [{SETS[year]: lines[year] for year in YEARS} for lines in (hypotheses, references)]
    counted = count_sets(path / "scores/newstest", *texts)
    return {year: counted[SETS[year]] for year in YEARS}


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


def _load(path: Path, counted: Mapping[int, Mapping[str, Statistics]], measures: dict[str, Metric]) -> NewstestRun:
    file = path / "scores/newstest/scores.json"
    if not file.is_file():
        raise UserError(f"{path} must be scored by `sse-nmt newstest {path}`, but holds no scores.json.")
    result, record = read_json(file), read_json(path / "run.json")
    scores = {
        year: {name: corpus_score(metric, counted[year][name].sum(axis=0)) for name, metric in measures.items()}
        for year in YEARS
    }
    say_what_is_scored_anew(path, result["sets"][SETS[YEARS[0]]]["scores"], signatures(measures))
    search = {**result["of"]["search"], "checkpoint": result["of"]["checkpoint"]}
    return NewstestRun(path, record["seed"], result["updates"], search, result["sentences_per_second"], scores)
