"""Systems beside each other on one text or several: scores, their spread over seeds, and differences to a baseline."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sacrebleu.metrics.base import Metric

from sse_nmt.evaluation.scored_runs import (
    Counts,
    baseline_first,
    check_each_once,
    check_one_search,
    check_seeds,
    count_all,
    language_and_tokeniser,
    log_what_is_scored_anew,
    read_references,
)
from sse_nmt.evaluation.scoring import metrics, signatures
from sse_nmt.evaluation.sentence_statistics import corpus_score
from sse_nmt.evaluation.significance import SEED, Difference, Resampled, difference, holm
from sse_nmt.evaluation.suites import Scores, Suite
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.runs.training_log import validation_curve
from sse_nmt.system.atomic_files import read_lines
from sse_nmt.system.errors import UserError

PRIMARY = "BLEU"  # the one metric that is tested; the others are described

Differences = dict[str, dict[str, Difference]]  # part of the suite -> metric -> difference to the baseline


@dataclass(frozen=True)
class Run:
    """One scored training."""

    path: Path
    seed: int
    record: Scores
    scores: dict[str, dict[str, float]]  # text -> metric -> score, as counted now, not as once written
    curve: list[tuple[int, float]]  # (update, validation loss)
    machine: str  # that it was trained on
    empty: int  # of its translations

    def score(self, metric: str, texts: Sequence[str]) -> float:
        """The mean over ``texts``."""
        return statistics.mean(self.scores[text][metric] for text in texts)

    @property
    def best_loss(self) -> float:
        return min(loss for _, loss in self.curve)


@dataclass(frozen=True)
class System:
    name: str
    suite: Suite
    runs: list[Run]
    differences: Differences  # empty for the baseline itself
    p_value: float | None  # of the primary difference, after Holm's correction over all systems

    def mean(self, metric: str, part: str | None = None) -> float:
        """Over the runs, of a part of the suite; None for the primary one."""
        return statistics.mean(self._scores(metric, part))

    def deviation(self, metric: str, part: str | None = None) -> float | None:
        """Sample standard deviation over the runs, None where there is one only."""
        return statistics.stdev(self._scores(metric, part)) if len(self.runs) > 1 else None

    @property
    def best_loss(self) -> float:
        """Mean over the runs of the lowest validation loss."""
        return statistics.mean(run.best_loss for run in self.runs)

    @property
    def texts_ahead(self) -> int:
        """On how many texts it is better than the baseline."""
        return sum(self.differences[text][PRIMARY].value > 0 for text in self.suite.texts if self.differences)

    def _scores(self, metric: str, part: str | None) -> list[float]:
        texts = self.suite.parts[self.suite.primary if part is None else part]
        return [run.score(metric, texts) for run in self.runs]


@dataclass(frozen=True)
class Comparison:
    suite: Suite
    sentences: dict[str, int]  # text -> how many it has
    signatures: dict[str, str]
    systems: list[System]  # the baseline first


def compare(
    runs: Sequence[tuple[str, Path]], suite: Suite, baseline: str | None = None, tokenize: str | None = None
) -> Comparison:
    """Compare scored runs; runs of one name are seeds of one system, the first name is the baseline.

    Scores are counted from the translations by the sacreBLEU at hand, whatever stands in the run folders. On several
    texts BLEU alone is compared; on one, all metrics.

    Raises:
        UserError: a run not scored, on another text, translated otherwise, or with hypotheses missing; or runs of one
            name that are not seeds of one system.
    """
    folders = [(name, RunFolder(path)) for name, path in runs]
    check_each_once(folders)
    check_seeds(folders)
    names = baseline_first(folders, baseline)
    scores = {run.path: suite.scores(run) for _, run in folders}
    references = read_references(suite, folders)
    language, tokenize = language_and_tokeniser(folders, scores, tokenize)
    measures = metrics(language, tokenize)
    log_what_is_scored_anew(scores, signatures(measures))
    check_one_search(scores)
    counts = count_all(suite, folders, references, language, tokenize)
    loaded = {
        name: [
            _load(run, suite, scores[run.path], counts[run.path], measures) for other, run in folders if other == name
        ]
        for name in names
    }
    compared = measures if len(suite.texts) == 1 else {PRIMARY: measures[PRIMARY]}
    systems = _compared(names, suite, loaded, counts, compared)
    return Comparison(suite, {text: len(lines) for text, lines in references.items()}, signatures(measures), systems)


def _load(run: RunFolder, suite: Suite, record: Scores, counts: Counts, measures: Mapping[str, Metric]) -> Run:
    scores = {
        text: {name: corpus_score(metric, counts[text][name].sum(axis=0)) for name, metric in measures.items()}
        for text in suite.texts
    }
    curve = validation_curve(run.log) if run.log.is_file() else []
    if not curve and len(suite.texts) == 1:
        raise UserError(f"{run.log} must hold validation losses, but holds none.")
    lines = [line for label in suite.texts for line in read_lines(suite.scored(run, label).hypotheses)]
    empty = sum(not line.strip() for line in lines)
    return Run(run.path, run.record["seed"], record, scores, curve, run.machine, empty)


def _compared(
    names: Sequence[str],
    suite: Suite,
    loaded: Mapping[str, list[Run]],
    counts: Mapping[Path, Counts],
    measures: Mapping[str, Metric],
) -> list[System]:
    first, *others = names
    if not others:
        return [System(first, suite, loaded[first], {}, None)]
    resampled = {name: _resampled(suite, loaded[name], counts, measures) for name in names}
    differences: dict[str, Differences] = {first: {}}
    for name in others:
        differences[name] = {
            part: {metric: difference(resampled[first][part][metric], own) for metric, own in of_part.items()}
            for part, of_part in resampled[name].items()
        }
    corrected = holm({name: differences[name][suite.primary][PRIMARY].p_value for name in others})
    return [System(name, suite, loaded[name], differences[name], corrected.get(name)) for name in names]


def _resampled(
    suite: Suite, runs: Sequence[Run], counts: Mapping[Path, Counts], measures: Mapping[str, Metric]
) -> dict[str, dict[str, Resampled]]:
    """Part -> metric -> scores. Texts are resampled each by itself: with one seed for all they would not vary
    independently.
    """
    found: dict[str, dict[str, Resampled]] = {}
    for number, text in enumerate(suite.texts):
        seed = SEED if len(suite.texts) == 1 else [SEED, int(text) if text.isdecimal() else number]
        found[text] = {
            name: Resampled.of(metric, [counts[run.path][text][name] for run in runs], seed)
            for name, metric in measures.items()
        }
    for label, texts in suite.means.items():
        found[label] = {name: Resampled.mean_of([found[text][name] for text in texts]) for name in measures}
    return found
