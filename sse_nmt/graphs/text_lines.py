"""Text files line by line, however long, behind a progress bar."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import Progress

_LONGEST = 1 << 24  # bytes


def numbered_lines(path: Path, kind: str) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file, without their ends, and their numbers from 1.

    Raises:
        UserError: there is no such file, which should be ``kind``, or a line is not UTF-8.
    """
    if not path.is_file():
        raise UserError(f"{path} must be {kind}, but there is no such file.")
    with open(path, "rb") as file, Progress(path.stat().st_size, f"reading {path.name}", "B", scaled=True) as progress:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST), b""), 1):
            if len(line) == _LONGEST:
                raise UserError(f"{path} must have lines below {_LONGEST:,} bytes, but line {number} is longer.")
            try:
                yield number, line.decode().rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise UserError(f"{path} must be UTF-8 text, but its line {number} is not.") from error
            progress.advance(len(line))


def columns(path: Path, kind: str, form: str, counts: tuple[int, ...]) -> Iterator[tuple[int, list[str]]]:
    """The tab-separated fields of each line, as many as one of ``counts``, none empty.

    Raises:
        UserError: as above, or a line is not of this ``form``.
    """
    for number, line in numbered_lines(path, kind):
        fields = line.split("\t")
        if len(fields) not in counts or not all(fields):
            raise UserError(f"{path} must have `{form}` on every line, but line {number} is {line!r}.")
        yield number, fields
