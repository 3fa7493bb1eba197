"""What a study is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sse_nmt.studies.command_options import Asked, Options
from sse_nmt.studies.slurm_settings import SlurmSettings

DATA, TEXTS, LOGS, GRAPHS = "data", "texts", "logs", "graphs"  # folders of the study beside those of corpora


@dataclass(frozen=True)
class TextOfStudy:
    """A test text from elsewhere. ``prepare``: what is asked of `sse-nmt prepare`."""

    name: str
    prepare: Asked


@dataclass(frozen=True)
class CorpusOfStudy:
    """Args:
    prepare: what is asked of `sse-nmt prepare`.
    settings: KEY=VALUE, what is changed in all configurations for this corpus.
    texts: test texts from elsewhere that its cells are scored on too.
    curve: of a corpus of several sizes, its name and this size.
    """

    name: str
    prepare: Asked
    settings: Sequence[str] = ()
    texts: Sequence[TextOfStudy] = ()
    curve: tuple[str, int] | None = None


@dataclass(frozen=True)
class SystemOfStudy:
    """Args:
    settings: KEY=VALUE, what is changed in the configuration.
    prepare: further options of `sse-nmt prepare`: its corpora are prepared for it alone.
    graph: what is asked of `sse-nmt graph build`: a graph for each corpus, along which both sides draw.
    """

    name: str
    configuration: Path
    settings: Sequence[str]
    prepare: Options = field(default_factory=dict)
    graph: Asked | None = None


@dataclass(frozen=True)
class Study:
    """Args:
    settings: KEY=VALUE, what is changed in all configurations.
    texts: those of `SPLITS` that cells are scored on.
    average: how many of the last checkpoints are averaged and scored; 0: the best one is scored as it is.
    evaluate: options of `sse-nmt evaluate`.
    updates: of all trainings, None: as the configurations say.
    baseline: the system that others are compared with.
    slurm: what jobs ask for, where cells are jobs of Slurm.
    """

    corpora: Sequence[CorpusOfStudy]
    systems: Sequence[SystemOfStudy]
    seeds: Sequence[int]
    settings: Sequence[str]
    texts: Sequence[str]
    average: int
    evaluate: Options
    updates: int | None
    baseline: str
    slurm: SlurmSettings
