"""A cell: one training of one system on one corpus, its commands and its state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.studies.specification import DATA, LOGS, CorpusOfStudy, Study, SystemOfStudy
from sse_nmt.system.errors import UserError

AVERAGE = "checkpoint_average.pt"
Command = Sequence[str]  # words after `sse-nmt`


@dataclass(frozen=True)
class Cell:
    """``folder`` is that of the study."""

    folder: Path
    study: Study
    corpus: CorpusOfStudy
    system: SystemOfStudy
    seed: int

    @property
    def name(self) -> str:
        return f"{self.corpus.name}/{self.system.name}/{self.seed}"

    @property
    def run(self) -> RunFolder:
        return RunFolder(self.folder / self.corpus.name / self.system.name / str(self.seed))

    @property
    def data(self) -> Path:
        return data_of(self.folder, self.corpus)

    @property
    def log(self) -> Path:
        """What its commands print."""
        return self.folder / LOGS / f"{self.name.replace('/', '.')}.log"

    @property
    def state(self) -> str:
        """done; trained, but not scored on all texts; begun; waiting."""
        run = self.run
        if run.finished:
            return "done" if all(run.scored(text).scores.is_file() for text in self.study.texts) else "trained"
        return "begun" if run.begun else "waiting"

    def commands(self) -> list[Command]:
        """What is left to be done once the corpus is prepared, in order."""
        if self.state == "done":
            return []
        run, study = str(self.run.path), self.study
        changed = [*study.settings, *self.corpus.settings, *self.system.settings]  # the last one counts
        settings = [word for setting in changed for word in ("--set", setting)]
        length = [] if study.updates is None else ["--updates", str(study.updates)]
        train = ["train", str(self.data), f"{self.system.configuration}={run}", "--seed", str(self.seed), "--jobs", "1"]
        commands: list[Command] = [[*train, *length, *settings]]
        checkpoint = []
        if study.average:
            commands.append(["average", run, "--last", str(study.average), "--output", AVERAGE])
            checkpoint = ["--checkpoint", AVERAGE]
        return commands + [["evaluate", run, "--split", text, *checkpoint, *study.evaluate] for text in study.texts]


def data_of(folder: Path, corpus: CorpusOfStudy) -> Path:
    return folder / DATA / corpus.name


def prepare_command(folder: Path, corpus: CorpusOfStudy) -> Command:
    name, *options = corpus.words
    return ["prepare", name, str(data_of(folder, corpus)), *options]


def cells_of(study: Study, folder: Path, only: Sequence[str] = ()) -> list[Cell]:
    """All cells, or those whose corpus/system/seed one of the patterns ``only`` matches; seed by seed, so that what is
    there can be compared early.

    Raises:
        UserError: a pattern that matches none.
    """
    cells = [
        Cell(folder, study, corpus, system, seed)
        for seed in study.seeds
        for corpus in study.corpora
        for system in study.systems
    ]
    for pattern in only:
        if not any(fnmatchcase(cell.name, pattern) for cell in cells):
            raise UserError(
                f"`--only` must match a cell, such as {cells[0].name} or {cells[0].corpus.name}/*, but {pattern!r} "
                "matches none."
            )
    return [cell for cell in cells if not only or any(fnmatchcase(cell.name, pattern) for pattern in only)]
