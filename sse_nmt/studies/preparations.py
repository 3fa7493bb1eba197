"""What cells need before they are trained or scored: text, and graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from sse_nmt.corpora.catalogue import options_for
from sse_nmt.corpora.prepare import other_option
from sse_nmt.graphs.graph_file import load_graph
from sse_nmt.runs.settings import first_changed
from sse_nmt.studies.command_options import Asked
from sse_nmt.text.manifest import NAME, read_manifest

Command = Sequence[str]  # words after `sse-nmt`


class Preparation(Protocol):
    """``title``: for people."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def needs(self) -> Sequence[Preparation]: ...

    @property
    def done(self) -> bool: ...

    @property
    def command(self) -> Command: ...

    @property
    def changed(self) -> str | None:
        """If it is done, but not as it is asked for: what it is made with, and what to do."""
        ...


@dataclass(frozen=True)
class PreparedText:
    """``asked``: of `sse-nmt prepare`."""

    name: str
    folder: Path
    asked: Asked
    needs: Sequence[Preparation] = ()

    @property
    def title(self) -> str:
        return f"data of {self.name}"

    @property
    def done(self) -> bool:
        return (self.folder / NAME).is_file()

    @property
    def command(self) -> Command:
        corpus, *options = self.asked.words
        return ["prepare", corpus, str(self.folder), *options]

    @property
    def changed(self) -> str | None:
        if not self.done:
            return None
        asked = options_for(self.asked.what, self.asked.options)
        found = other_option(read_manifest(self.folder)["options"], asked)
        return _changed(self.folder, found)


@dataclass(frozen=True)
class BuiltGraph:
    """``asked``: of `sse-nmt graph build`; ``text``: what it is built from."""

    name: str
    path: Path
    asked: Asked
    text: PreparedText

    @property
    def title(self) -> str:
        return f"graph of {self.name}"

    @property
    def needs(self) -> Sequence[Preparation]:
        return [self.text]

    @property
    def done(self) -> bool:
        return self.path.is_file()

    @property
    def command(self) -> Command:
        builder, *options = self.asked.words
        return ["graph", "build", builder, str(self.path), "--data", str(self.text.folder), *options]

    @property
    def changed(self) -> str | None:
        if not self.done:
            return None
        about, asked = load_graph(self.path).about, self.asked
        before = {"build": about["builder"], **about["options"]}
        now = {"build": asked.what, **asdict(asked.kind(**asked.options))}
        return _changed(self.path, first_changed(before, now))


def _changed(path: Path, found: str | None) -> str | None:
    if found is None:
        return None
    return f"{path} was made with {found} as the study now says: choose another `--output`, or remove it"
