"""Cells that were trained before their study was changed: they are no longer what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sse_nmt.runs.settings import first_difference
from sse_nmt.studies.cells import Cell
from sse_nmt.system.errors import UserError
from sse_nmt.training.configuration import run_configuration


def check_as_asked(cells: Sequence[Cell]) -> None:
    """Raises UserError for the first cell that is done but was not trained as its study says."""
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
    """What is wrong with a cell that is done, and what to do; None if it is as its study says, or not done."""
    found = changed_setting(cell, cell.run.asked) if cell.state == "done" else None
    if found is None:
        return None
    return f"was trained with {found} as the study now says: give the system another name, or remove {cell.run.path}"


def changed_setting(cell: Cell, trained: Mapping[str, Any]) -> str | None:
    """The first in which a training with the settings ``trained`` is not what the study says."""
    settings = cell.settings_along("null")  # a graph is a file, whose place is of no consequence
    asked = run_configuration(cell.system.configuration, cell.data, cell.seed, cell.study.updates, settings)
    return first_difference(trained, asked)
