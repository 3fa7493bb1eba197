"""Bitext in two files whose lines correspond."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sse_nmt.system.atomic_files import atomic_write, read_lines
from sse_nmt.system.errors import UserError
from sse_nmt.text.pairs import Document, SentencePair

_LINE_ENDS = re.compile(r"[\r\n]+")


@dataclass(frozen=True)
class Bitext:
    """Two files whose lines correspond.

    Args:
        documents: says how many pairs each document has, a line ``count<TAB>name`` each; None: all stand alone.
    """

    name: str
    source: Path
    target: Path
    pairs: int
    documents: Path | None = None


def count_lines(path: Path) -> int:
    """Lines, the last of which may lack its end."""
    lines, last = 0, b"\n"
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            lines, last = lines + chunk.count(b"\n"), chunk[-1:]
    return lines + (last != b"\n")


def document_files(name: str, folder: Path) -> tuple[Path, Path, Path]:
    """Where `write_documents` puts source, target and documents."""
    return folder / f"{name}.source", folder / f"{name}.target", folder / f"{name}.documents"


def write_documents(documents: Iterable[Document], name: str, folder: Path) -> Bitext:
    """A bitext of ``documents`` as files in ``folder``; line ends within a sentence become blanks."""
    files = document_files(name, folder)
    pairs = 0
    with atomic_write(files[0]) as source, atomic_write(files[1]) as target, atomic_write(files[2]) as names:
        for document in documents:
            for file, side in ((source, 0), (target, 1)):
                file.writelines(_LINE_ENDS.sub(" ", pair[side]) + "\n" for pair in document.pairs)
            named = document.name.encode("utf-8", "backslashreplace").decode()  # a file's name need not be text
            names.write(f"{len(document.pairs)}\t{_LINE_ENDS.sub(' ', named)}\n")
            pairs += len(document.pairs)
    return Bitext(name, files[0], files[1], pairs, files[2])


def pair_up(source: Path, source_lines: list[str], target: Path, target_lines: list[str]) -> list[SentencePair]:
    """Pairs of corresponding lines. Raises UserError if the counts differ."""
    check_as_many(source, len(source_lines), target, len(target_lines))
    return list(zip(source_lines, target_lines, strict=True))


def read_pairs(source: Path, target: Path) -> list[SentencePair]:
    """The pairs of two UTF-8 files. Raises UserError if they are none, or of different length."""
    for path in (source, target):
        check_is_file(path)
    return pair_up(source, read_lines(source), target, read_lines(target))


def check_is_file(path: Path) -> None:
    if not path.is_file():
        there = "is none: copy its text into one" if path.exists() and not path.is_dir() else "there is none"
        raise UserError(f"{path} must be a text file, but {there}.")


def check_utf8(path: Path) -> None:
    """Raise UserError with the place of the first byte that is not."""
    decoder, done = codecs.getincrementaldecoder("utf-8")(), 0
    with open(path, "rb") as file:
        while True:
            chunk = file.read(1 << 20)
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{path} must be UTF-8 text, but its byte {done - held + error.start} is not."
                ) from error
            if not chunk:
                return
            done += len(chunk)


def check_as_many(source: Path, source_lines: int, target: Path, target_lines: int) -> None:
    if source_lines != target_lines:
        raise UserError(
            f"Source and target must have as many lines, "
            f"but {source} has {source_lines} and {target} has {target_lines}."
        )
