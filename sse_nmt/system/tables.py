"""Tables of text, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tabulate import tabulate

from sse_nmt.system.harmless import markdown_cell, printable

Row = Sequence[str]


def plain_table(head: Row, rows: Sequence[Row], left: Collection[int] = (0,)) -> str:
    """For a terminal. The columns ``left`` begin at one place, the others end at one."""
    return _table(list(map(printable, head)), [list(map(printable, row)) for row in rows], "plain", left)


def markdown_table(head: Row, rows: Sequence[Row], left: Collection[int] = (0,)) -> str:
    """For a page."""
    return _table(list(map(markdown_cell, head)), [list(map(markdown_cell, row)) for row in rows], "pipe", left)


def _table(head: Row, rows: Sequence[Row], form: str, left: Collection[int]) -> str:
    sides = ["left" if column in left else "right" for column in range(len(head))]
    return tabulate(rows, headers=head, tablefmt=form, colalign=sides if rows else None, disable_numparse=True)
