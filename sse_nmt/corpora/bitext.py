"""Bitext from two files whose lines correspond."""

from __future__ import annotations

from pathlib import Path

from sse_nmt.atomic_files import read_lines
from sse_nmt.corpora.pairs import Document, Pair
from sse_nmt.errors import UserError


def pair_up(source: Path, source_lines: list[str], target: Path, target_lines: list[str]) -> list[Pair]:
    """Pairs of corresponding lines. Raises UserError if the counts differ."""
    if len(source_lines) != len(target_lines):
        raise UserError(
            f"Source and target must have as many lines, "
            f"but {source} has {len(source_lines)} and {target} has {len(target_lines)}."
        )
    return list(zip(source_lines, target_lines, strict=True))


def read_bitext(source: Path, target: Path) -> list[Document]:
    """Each line pair of two UTF-8 files as a document of its own."""
    pairs = pair_up(source, _read(source), target, _read(target))
    return [Document(f"{number:09d}", [pair]) for number, pair in enumerate(pairs)]


def _read(path: Path) -> list[str]:
    if not path.is_file():
        raise UserError(f"{path} must be a text file, but there is none.")
    return read_lines(path)
