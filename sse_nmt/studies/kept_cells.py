"""Cells as data: what stays of a training when its checkpoints are gone, small enough to be committed.

DIR/CORPUS.SYSTEM.SEED.json       configuration, versions, data, time; scores with signatures; validation losses
DIR/CORPUS.SYSTEM.SEED.TEXT.xz    the translations of a text, a sentence a line

No line of a corpus is among them: what is taken over again gets its references from `sse-nmt prepare`.
"""

from __future__ import annotations

import copy
import lzma
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from sse_nmt.runs.paths import ScoredText
from sse_nmt.runs.records import RunRecord, TextScores
from sse_nmt.runs.settings import PLACES
from sse_nmt.runs.training_log import parse
from sse_nmt.studies.cells import Cell
from sse_nmt.studies.changed_cells import changed_scoring, changed_setting
from sse_nmt.system.atomic_files import atomic_directory, atomic_write, sha256_of, write_json, write_lines
from sse_nmt.system.errors import UserError
from sse_nmt.system.records import read_record
from sse_nmt.text.manifest import read_manifest


class KeptCell(TypedDict):
    run: RunRecord
    scores: dict[str, TextScores]
    log: list[str]


def keep_cells(cells: Sequence[Cell], folder: Path) -> list[Cell]:
    """Write those that are done into ``folder``; return them. Of the same training, kept before, texts that are no
    longer in the study stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = [cell for cell in cells if cell.state == "done"]
    for cell in done:
        for text in cell.texts:
            lines = cell.run.scored(text).hypotheses.read_bytes()
            with atomic_write(_hypotheses(folder, cell, text), "wb") as file:
                file.write(lzma.compress(lines))
        kept, record = _kept(cell), _file(folder, cell)
        before = read_record(record, KeptCell) if record.is_file() else None
        if before is not None and before["run"] == kept["run"]:
            kept["scores"] = {**before["scores"], **kept["scores"]}
        write_json(record, kept)
    return done


def take_cells(cells: Sequence[Cell], folder: Path) -> list[Cell]:
    """Take over those that ``folder`` has and that are not done, whose corpora must be prepared; return them.

    Texts that the study does not score are left there.

    Raises:
        UserError: one was trained on other text than was prepared, or otherwise than the study says, or its
            translations are gone, or lack a text.
    """
    taken = [cell for cell in kept_cells(cells, folder) if cell.state != "done"]
    for cell in taken:
        kept = read_record(_file(folder, cell), KeptCell)
        if kept["run"]["data"]["fingerprint"] != read_manifest(cell.data)["fingerprint"]:
            raise UserError(f"{_file(folder, cell)} holds a training on other text than {cell.data} now holds.")
        changed = changed_setting(cell, kept["run"].get("configuration", {}))
        if changed is not None:
            raise UserError(
                f"{_file(folder, cell)} holds a training with {changed} as the study says: give the system another "
                "name."
            )
        lacking = [text for text in cell.texts if text not in kept["scores"]]
        if lacking:
            raise UserError(
                f"{_file(folder, cell)} must have the scores of all texts of the study, but lacks `{lacking[0]}`: "
                f"train the cell."
            )
        for text in cell.texts:
            scored = changed_scoring(cell, kept["scores"][text])
            if scored is not None:
                raise UserError(f"{_file(folder, cell)} holds `{text}` scored with {scored} as the study says.")
        _take(cell, kept, folder)
    return taken


def kept_cells(cells: Sequence[Cell], folder: Path) -> list[Cell]:
    """Raises UserError if ``folder`` has none of them."""
    found = [cell for cell in cells if _file(folder, cell).is_file()]
    if not found:
        raise UserError(f"{folder} must hold cells of the study, such as {_file(folder, cells[0]).name}, but has none.")
    return found


def _kept(cell: Cell) -> dict[str, Any]:
    run: Any = copy.deepcopy(cell.run.record)
    for session in (run, *run["earlier"]):
        session.pop("command", None)  # it is the study's, and full of one machine's paths
    run["data"].pop("folder", None)
    options = run["data"]["options"]
    options.update({name: None for name in options if name == "folder" or name.endswith(("source", "target"))})
    for place in PLACES:
        run["configuration"].pop(place, None)
    with open(cell.run.log, encoding="utf-8", errors="replace") as lines:
        records = [(line, parse(line)) for line in lines]
    return {
        "run": run,
        "scores": {text: read_record(cell.run.scored(text).scores, TextScores) for text in cell.texts},
        "log": [line.rstrip("\n") for line, record in records if record is not None and record.kind == "valid"],
    }


def _take(cell: Cell, kept: KeptCell, folder: Path) -> None:
    """The record comes last: before it is there, the cell is not done."""
    run = cell.run
    with run.lock():
        if run.begun:
            raise UserError(f"{run.path} holds a training that was begun: let it end, or remove the folder.")
        with atomic_directory(run.scores) as scores:
            for text in cell.texts:
                _take_text(cell, text, ScoredText(scores, text), kept, folder)
        write_lines(run.log, kept["log"])
        write_json(run.record_file, kept["run"])


def _take_text(cell: Cell, text: str, scored: ScoredText, kept: KeptCell, folder: Path) -> None:
    source = _hypotheses(folder, cell, text)
    try:
        lines = lzma.decompress(source.read_bytes())
    except (OSError, lzma.LZMAError) as error:
        raise UserError(f"{source} must hold the translations of {cell.name}, but cannot be read: {error}") from None
    scored.hypotheses.write_bytes(lines)
    shutil.copy(cell.references(text, kept["run"]["target_lang"]), scored.references)
    digest = kept["scores"][text].get("files")  # None: kept before this was recorded
    if digest is not None and digest != sha256_of([scored.hypotheses, scored.references]):
        raise UserError(f"{source} must hold the translations that were scored, of the text that was, but does not.")
    write_json(scored.scores, kept["scores"][text])


def _file(folder: Path, cell: Cell) -> Path:
    return folder / f"{cell.name.replace('/', '.')}.json"


def _hypotheses(folder: Path, cell: Cell, text: str) -> Path:
    return folder / f"{cell.name.replace('/', '.')}.{text}.xz"
