"""`sse-nmt study --list`: the cells and their state."""

from __future__ import annotations

from collections.abc import Sequence

from sse_nmt.runs.training_log import validation_curve
from sse_nmt.studies.cells import Cell
from sse_nmt.system.tables import plain_table


def overview(cells: Sequence[Cell]) -> str:
    """A line a cell, then how many are in each state."""
    rows = [(cell.corpus.name, cell.system.name, str(cell.seed), cell.state, *_progress(cell)) for cell in cells]
    states = [cell.state for cell in cells]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    table = plain_table(("corpus", "system", "seed", "state", "updates", "valid. loss"), rows, left=(0, 1, 3))
    return f"{table}\n\n{len(cells)} cells: {counts}"


def _progress(cell: Cell) -> tuple[str, str]:
    """The last update that was validated, and the lowest loss so far."""
    log = cell.run.log
    curve = validation_curve(log) if log.is_file() else []
    return (f"{curve[-1][0]:,}", f"{min(loss for _, loss in curve):.3f}") if curve else ("", "")
