"""The table of what was tried, printed at the end of a run."""

from __future__ import annotations

from sse_nmt.system.tables import markdown_table

_HEAD = ("what was tried", "inputs", "refused in a sentence", "taken, as before", "taken, as other", "longest, s")
_ROWS: list[list[str]] = []


def add_row(name: str, *cells: float | str) -> None:
    _ROWS.append([name, *map(_shown, cells)])


def _shown(cell: float | str) -> str:
    if isinstance(cell, str):
        return cell
    return f"{cell:,.2f}" if isinstance(cell, float) else f"{cell:,}"


def as_markdown() -> str:
    """Empty if nothing was tried."""
    return markdown_table(_HEAD, sorted(_ROWS)) if _ROWS else ""
