"""Cells that were trained before their study was changed: they are no longer what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sse_nmt.evaluation.options import EvaluateOptions
from sse_nmt.runs.records import TextScores
from sse_nmt.runs.settings import first_changed, first_difference
from sse_nmt.studies.cells import Cell
from sse_nmt.system.errors import UserError
from sse_nmt.system.records import read_record
from sse_nmt.training.configuration import run_configuration


def check_as_asked(cells: Sequence[Cell]) -> None:
    """Raises UserError for the first cell that was not prepared, trained and scored as its study says."""
    for cell in cells:
        why = why_changed(cell)
        if why is not None:
            raise UserError(f"{cell.name} {why}.")


def why_refused(cell: Cell) -> str | None:
    """What is wrong with a cell as it stands, and what to do; None if nothing is."""
    if cell.state == "trained" and not any(cell.run.checkpoints.glob("checkpoint*.pt")):
        return (
            "is not scored on all texts, and was taken over without the checkpoints to do it: leave out the others, or "
            f"remove {cell.run.path} and train it here"
        )
    return why_changed(cell)


def why_changed(cell: Cell) -> str | None:
    """What is wrong with a cell, or with what it is prepared from, and what to do; None if it is as its study says, as
    far as it goes.
    """
    for each in cell.preparations:
        if (changed := each.changed) is not None:
            return f"needs the {each.title}, but {changed}"
    state = cell.state
    if state == "waiting":
        return None
    found = changed_setting(cell, cell.run.asked)
    if found is not None:
        begun = "begun" if state == "begun" else "trained"
        return (
            f"was {begun} with {found} as the study now says: give the system another name, the study another "
            f"`--output`, or remove {cell.run.path}"
        )
    if state != "done":
        return None
    for text in cell.texts:
        scores = cell.run.scored(text).scores
        found = changed_scoring(cell, read_record(scores, TextScores))
        if found is not None:
            return f"was scored with {found} as the study now says: remove {scores} to score it again"
    return None


def changed_scoring(cell: Cell, scores: TextScores) -> str | None:
    """The first in which a text was scored otherwise than the study says."""
    options = EvaluateOptions(**cell.study.evaluate)
    before: dict[str, Any] = {**scores["search"], "tokenize": scores.get("tokenize")}
    now: dict[str, Any] = {**asdict(options.search()), "tokenize": options.tokenize}
    if "checkpoint" in scores:  # else scored before this was recorded
        before["checkpoint"], now["checkpoint"] = scores["checkpoint"], cell.checkpoint
    return first_changed(before, {name: now[name] for name in sorted(now.keys() - {"batch_tokens"})})


def changed_setting(cell: Cell, trained: Mapping[str, Any]) -> str | None:
    """The first in which a training with the settings ``trained`` is not what the study says."""
    settings = cell.settings_along("null")  # a graph is a file, whose place is of no consequence
    asked = run_configuration(cell.system.configuration, cell.data, cell.seed, cell.study.updates, settings)
    return first_difference(trained, asked)
