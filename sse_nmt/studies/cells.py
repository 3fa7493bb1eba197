"""A cell: one training of one system on one corpus, its commands and its state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from sse_nmt.evaluation.options import EvaluateOptions
from sse_nmt.runs.paths import BEST
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.runs.settings import GRAPHS as GRAPH_SETTINGS
from sse_nmt.studies.command_options import words_of
from sse_nmt.studies.preparations import BuiltGraph, Command, Preparation, PreparedText
from sse_nmt.studies.study import DATA, GRAPHS, LOGS, TEXTS, CorpusOfStudy, Study, SystemOfStudy
from sse_nmt.system.errors import UserError

AVERAGE = "checkpoint_average.pt"


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
    def training(self) -> PreparedText:
        """The corpus, as this system has it."""
        name = self.corpus.name + (f"@{self.system.name}" if self.system.prepare else "")
        return PreparedText(name, self.folder / DATA / name, self.corpus.prepare.but(self.system.prepare))

    @property
    def data(self) -> Path:
        return self.training.folder

    @property
    def graph(self) -> BuiltGraph | None:
        """What its system draws along on this corpus."""
        if self.system.graph is None:
            return None
        path = self.folder / GRAPHS / f"{self.corpus.name}.{self.system.name}.npz"
        return BuiltGraph(f"{self.corpus.name}, {self.system.name}", path, self.system.graph, self.training)

    @property
    def elsewhere(self) -> dict[str, PreparedText]:
        """Test texts that are none of the corpus: name -> where from."""
        folder = self.folder / TEXTS / self.corpus.name
        return {
            text.name: PreparedText(f"{self.corpus.name}, {text.name}", folder / text.name, text.prepare)
            for text in self.corpus.texts
        }

    @property
    def settings(self) -> list[str]:
        """KEY=VALUE, of a key the last one counts."""
        return self.settings_along(None if self.graph is None else str(self.graph.path))

    def settings_along(self, graph: str | None) -> list[str]:
        """Those with another graph; None: what the configuration names."""
        along = [] if graph is None else [f"{key}={graph}" for key in GRAPH_SETTINGS]
        return [*self.study.settings, *self.corpus.settings, *along, *self.system.settings]

    @property
    def preparations(self) -> list[Preparation]:
        """In the order in which they are needed."""
        graph = self.graph
        return [self.training, *([] if graph is None else [graph]), *self.elsewhere.values()]

    @property
    def checkpoint(self) -> str:
        """The one that is scored."""
        return AVERAGE if self.study.average else BEST

    @property
    def texts(self) -> list[str]:
        """All that it is scored on."""
        return [*self.study.texts, *self.elsewhere]

    def references(self, text: str, language: str) -> Path:
        """Of a text, as it was prepared."""
        if text in self.elsewhere:
            return self.elsewhere[text].folder / "text" / f"test.{language}"
        return self.data / "text" / f"{text}.{language}"

    @property
    def log(self) -> Path:
        """What its commands print."""
        return self.folder / LOGS / f"{self.name.replace('/', '.')}.log"

    @property
    def state(self) -> str:
        """done; trained, but not scored on all texts; begun; waiting; damaged: its record cannot be read."""
        run = self.run
        try:
            finished = run.finished
        except UserError:
            return "damaged"
        if finished:
            return "done" if all(run.scored(text).scores.is_file() for text in self.texts) else "trained"
        return "begun" if run.begun else "waiting"

    def commands(self) -> list[Command]:
        """What is left to be done once the corpus is prepared, in order."""
        if self.state == "done":
            return []
        run, study = str(self.run.path), self.study
        settings = [word for setting in self.settings for word in ("--set", setting)]
        length = [] if study.updates is None else ["--updates", str(study.updates)]
        train = ["train", str(self.data), f"{self.system.configuration}={run}", "--name", self.system.name]
        commands: list[Command] = [[*train, "--seed", str(self.seed), "--jobs", "1", *length, *settings]]
        evaluate = words_of(EvaluateOptions, study.evaluate)
        if study.average:
            commands.append(["average", run, "--last", str(study.average), "--output", AVERAGE])
            evaluate = ["--checkpoint", self.checkpoint, *evaluate]
        which = [["--split", text] for text in study.texts]
        which += [["--text", str(each.folder)] for each in self.elsewhere.values()]
        return commands + [["evaluate", run, *words, *evaluate] for words in which]


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
