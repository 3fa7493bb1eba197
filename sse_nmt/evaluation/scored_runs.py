"""Runs that are compared: which they are, whether they can be, and what metrics count in their translations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sse_nmt.evaluation.scoring import check_lengths, metrics
from sse_nmt.evaluation.sentence_statistics import Statistics, sentence_statistics
from sse_nmt.evaluation.suites import Scores, Suite
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.system.atomic_files import read_lines
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import Progress, log_line
from sse_nmt.system.workers import Workers

_SEED_KEY = "common.seed"
Named = tuple[str, RunFolder]  # the system's name
Counts = dict[str, dict[str, Statistics]]  # text -> metric -> what it counts in each sentence


@dataclass(frozen=True)
class Task:
    """A text of a run whose sentences are counted, in a process of its own."""

    statistics: Path
    hypotheses: list[str]
    references: list[str]


def baseline_first(runs: Sequence[Named], baseline: str | None) -> list[str]:
    """The names of the systems, each once: the baseline (None: the first), then the others as given."""
    names = list(dict.fromkeys(name for name, _ in runs))
    first = names[0] if baseline is None else baseline
    if first not in names:
        raise UserError(f"The baseline must be one of {', '.join(names)}, but is {first!r} instead.")
    return [first, *(name for name in names if name != first)]


def check_each_once(runs: Sequence[Named]) -> None:
    """Raise UserError if a run is none, or is given twice: it would count as two seeds."""
    for _, run in runs:
        run.check_exists()
    folders = [run.path.resolve() for _, run in runs]
    for path in folders:
        if folders.count(path) > 1:
            raise UserError(f"Each run must be given once, but {path} is given {folders.count(path)} times.")


def check_seeds(runs: Sequence[Named]) -> None:
    """Raise UserError if runs of one system are not its seeds: same seed, other settings, or other training text."""
    systems: dict[str, list[RunFolder]] = {}
    for name, run in runs:
        systems.setdefault(name, []).append(run)
    for name, (first, *others) in systems.items():
        for run in others:
            _check_is_another_seed(name, first, run)
        seeds = [run.record.get("seed") for run in (first, *others)]
        for seed in seeds:
            if seeds.count(seed) > 1:
                raise UserError(
                    f"The runs of {name} must differ in their seed, but {seeds.count(seed)} have seed {seed}."
                )


def _check_is_another_seed(name: str, first: RunFolder, run: RunFolder) -> None:
    one, other = first.settings(), run.settings()
    for key in sorted(one.keys() | other.keys()):
        if key != _SEED_KEY and one.get(key) != other.get(key):
            raise UserError(
                f"The runs of {name} must differ in nothing but their seed, but `{key}` is {one.get(key)!r} for "
                f"{first.path} and {other.get(key)!r} for {run.path}: give them different names, NAME=RUN."
            )
    if first.record["data"]["fingerprint"] != run.record["data"]["fingerprint"]:
        raise UserError(
            f"The runs of {name} must be trained on one text, but {first.path} and {run.path} are not: give them "
            "different names, NAME=RUN."
        )


def check_one_search(scores: Mapping[Path, Scores]) -> None:
    """Raise UserError if runs were translated by checkpoints of different kinds, or with different options; how many
    sentences at a time is no matter.
    """
    known = all(each.checkpoint is not None for each in scores.values())
    searches = {
        path: {**each.search, "checkpoint": each.checkpoint if known else None} for path, each in scores.items()
    }
    (first, expected), *others = searches.items()
    for path, search in others:
        for name in sorted((expected | search).keys() - {"batch_tokens"}):
            if expected.get(name) != search.get(name):
                raise UserError(
                    f"All runs must be translated alike, but `{name}` is {expected.get(name)!r} for {first} "
                    f"and {search.get(name)!r} for {path}."
                )


def language_and_tokeniser(
    runs: Sequence[Named], scores: Mapping[Path, Scores], tokenize: str | None
) -> tuple[str | None, str | None]:
    """Those of all runs: the target language, and the tokeniser that the runs were scored with, unless given."""
    language = _one_of_all([run.record.get("target_lang") for _, run in runs], runs, "target language")
    if tokenize is None:
        found = [scores[run.path].tokenize for _, run in runs]
        tokenize = _one_of_all(found, runs, "tokeniser (see `--tokenize`)")
    return language, tokenize


def read_references(suite: Suite, runs: Sequence[Named]) -> dict[str, list[str]]:
    """Of each text, the one reference of all runs. Raises UserError if one is missing or another."""
    references: dict[str, list[str]] = {}
    for label in suite.texts:
        for _, run in runs:
            text = suite.scored(run, label)
            for file in (text.references, text.hypotheses):
                if not file.is_file():
                    raise suite.missing(run, file.name)
            lines = read_lines(text.references)
            if references.setdefault(label, lines) != lines:
                raise UserError(
                    f"All runs must be scored on one {suite.texts[label]} text, but those of {runs[0][1].path} and "
                    f"{run.path} differ."
                )
    return references


def count_all(
    suite: Suite,
    runs: Sequence[Named],
    references: Mapping[str, list[str]],
    language: str | None,
    tokenize: str | None,
) -> dict[Path, Counts]:
    """What metrics count in every sentence, on all cores: TER takes minutes where nothing is kept."""
    places = [(run.path, label) for _, run in runs for label in suite.texts]
    tasks = [_task(suite, run, label, references[label]) for _, run in runs for label in suite.texts]
    counts: dict[Path, Counts] = {run.path: {} for _, run in runs}
    with (
        Workers(_begin, language, tokenize, tasks=len(tasks)) as workers,
        Progress(len(tasks), "scoring", "texts") as progress,
    ):
        for (path, label), counted in zip(places, workers.map(count_one, tasks), strict=True):
            counts[path][label] = counted
            progress.advance(1)
    return counts


def log_what_is_scored_anew(scores: Mapping[Path, Scores], now: Mapping[str, str]) -> None:
    """Name the metrics of a run that were once scored under another signature than ``now``."""
    for path, each in scores.items():
        for name, signature in now.items():
            if each.signatures.get(name, signature) != signature:
                log_line(f"{path}: {name} was scored as {each.signatures[name]}; scored anew as {signature}.")


def _one_of_all(values: Sequence[Any], runs: Sequence[Named], what: str) -> Any:
    """The value that all runs have. Raises UserError if they differ."""
    for value, (_, run) in zip(values, runs, strict=True):
        if value != values[0]:
            raise UserError(
                f"All runs must have one {what}, but it is {values[0]!r} for {runs[0][1].path} and {value!r} for "
                f"{run.path}."
            )
    return values[0]


def _task(suite: Suite, run: RunFolder, label: str, references: list[str]) -> Task:
    text = suite.scored(run, label)
    hypotheses = read_lines(text.hypotheses)
    of = f" for {suite.texts[label]}" if len(suite.texts) > 1 else ""
    check_lengths(hypotheses, references, f"The hypotheses of {run.path}{of}")
    return Task(text.statistics, hypotheses, references)


_language: str | None = None  # of a worker
_tokenize: str | None = None


def _begin(language: str | None, tokenize: str | None) -> None:
    global _language, _tokenize
    _language, _tokenize = language, tokenize


def count_one(task: Task) -> dict[str, Statistics]:
    measures = metrics(_language, _tokenize)
    return sentence_statistics(task.statistics, task.hypotheses, task.references, measures)
