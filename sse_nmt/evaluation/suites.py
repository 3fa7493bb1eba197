"""Texts that systems are compared on: one, or several whose scores are averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sse_nmt.corpora.newstest import LANGUAGES, SETS
from sse_nmt.runs.paths import RunPaths, ScoredText
from sse_nmt.runs.records import NewstestScores, Score, TextScores
from sse_nmt.system.atomic_files import sha256_of
from sse_nmt.system.errors import UserError
from sse_nmt.system.records import read_record


@dataclass(frozen=True)
class Scores:
    """What a run's own record says of its scores."""

    updates: int  # of the checkpoint that was scored
    search: dict[str, Any]
    signatures: dict[str, str]
    tokenize: str | None
    checkpoint: str | None  # None: scored before this was recorded
    sentences_per_second: float | None


@dataclass(frozen=True)
class Suite:
    """Args:
    name: of the files that reports are written to.
    title: what is said of it.
    command: by which runs are scored on it.
    texts: label -> name of the text in a run folder.
    means: label -> the texts whose scores are averaged, where there are several.
    primary: label of the text or mean whose difference is tested; all others are described.
    """

    name: str
    title: str
    command: str
    texts: Mapping[str, str]
    primary: str
    means: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, Sequence[str]]:
        """All that has a score: label -> the texts that it is the mean of."""
        return {**{label: (label,) for label in self.texts}, **self.means}

    def scored(self, run: RunPaths, label: str) -> ScoredText:
        raise NotImplementedError

    def scores(self, run: RunPaths) -> Scores:
        """Raises UserError if the run has not been scored on it."""
        raise NotImplementedError

    def _check_files(self, run: RunPaths, file: Path, digest: str | None, texts: Sequence[ScoredText]) -> None:
        """Raise UserError if the texts are not those that were scored; missing ones are found later."""
        files = [path for text in texts for path in (text.hypotheses, text.references)]
        if digest is not None and all(path.is_file() for path in files) and sha256_of(files) != digest:
            raise UserError(
                f"{file.parent} must hold the translations that {file.name} tells of, but they were changed since: "
                f"score {run.path} again (`{self.command} {run.path}`)."
            )

    def missing(self, run: RunPaths, file: str) -> UserError:
        return UserError(
            f"{run.path} must be scored on {self.title} first (`{self.command} {run.path}`), but holds no {file}."
        )


def _signatures(scores: Mapping[str, Score]) -> dict[str, str]:
    return {name: entry["signature"] for name, entry in scores.items()}


class OneText(Suite):
    """The test or validation text of the runs' own data."""

    def __init__(self, split: str) -> None:
        super().__init__("comparison", f"its {split} text", "sse-nmt evaluate", {split: split}, split)

    def scored(self, run: RunPaths, label: str) -> ScoredText:
        return run.scored(label)

    def scores(self, run: RunPaths) -> Scores:
        file = self.scored(run, self.primary).scores
        if not file.is_file():
            raise self.missing(run, file.name)
        result = read_record(file, TextScores)
        text = self.scored(run, self.primary)
        self._check_files(run, file, result.get("files"), [text])
        return Scores(
            result["updates"],
            result["search"],
            _signatures(result["scores"]),
            result.get("tokenize"),
            result.get("checkpoint"),
            None,
        )


class Newstest(Suite):
    """newstest2008–2018, English–German."""

    def __init__(self) -> None:
        late = [str(year) for year in SETS if year >= 2014]
        super().__init__(
            "newstest",
            f"newstest2008–2018, {'–'.join(LANGUAGES)}",
            "sse-nmt newstest",
            {str(year): name for year, name in SETS.items()},
            "2008–2018",
            {"2008–2018": [str(year) for year in SETS], "2014–2018": late},
        )

    def scored(self, run: RunPaths, label: str) -> ScoredText:
        return run.newstest(self.texts[label])

    def scores(self, run: RunPaths) -> Scores:
        file = run.newstest_record
        if not file.is_file():
            raise self.missing(run, file.name)
        result = read_record(file, NewstestScores)
        self._check_files(run, file, result.get("files"), [self.scored(run, label) for label in self.texts])
        first = next(iter(self.texts.values()))
        return Scores(
            result["updates"],
            {**result["of"]["search"], "checkpoint": result["of"]["checkpoint"]},
            _signatures(result["sets"][first]["scores"]),
            None,
            result["of"]["checkpoint"],
            result["sentences_per_second"],
        )
