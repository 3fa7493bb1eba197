"""What the JSON files of a run folder hold."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from sse_nmt.system.records import Count


class DataOfRun(TypedDict):
    """The manifest of what was trained on, and where it was; of it this much is needed."""

    fingerprint: str
    folder: NotRequired[str]


class RunRecord(TypedDict):
    """run.json. What is not required is missing in records of earlier versions, or until training has ended."""

    status: Literal["running", "finished", "interrupted", "failed"]
    seed: int
    source_lang: str
    target_lang: str
    data: DataOfRun
    earlier: NotRequired[list[dict[str, Any]]]
    system: NotRequired[str]
    command: NotRequired[list[str]]
    versions: NotRequired[dict[str, str | None]]
    git: NotRequired[Any]
    started: NotRequired[str]
    configuration: NotRequired[dict[str, Any]]
    graphs: NotRequired[dict[str, str]]
    text: NotRequired[str]
    device: NotRequired[str]
    updates: NotRequired[Count]
    finished: NotRequired[str]
    seconds: NotRequired[float | None]


class Score(TypedDict):
    score: float
    signature: str


class TextScores(TypedDict):
    """scores/NAME.json. ``files``: a digest of translations and references."""

    updates: Count
    search: dict[str, Any]
    scores: dict[str, Score]
    checkpoint: NotRequired[str]
    tokenize: NotRequired[str | None]
    files: NotRequired[str]


class NewstestOf(TypedDict):
    checkpoint: str
    modified: int
    search: dict[str, Any]


class NewstestSet(TypedDict):
    sentences: Count
    scores: dict[str, Score]


class NewstestScores(TypedDict):
    """scores/newstest.json."""

    of: NewstestOf
    updates: Count
    sentences_per_second: float
    sets: dict[str, NewstestSet]
    files: NotRequired[str | None]
