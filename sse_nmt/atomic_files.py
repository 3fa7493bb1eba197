"""Files and folders that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from sse_nmt.errors import UserError


@contextlib.contextmanager
def whole_file(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open ``path`` for writing as ``path.part``; rename it at the end, remove it if anything goes wrong."""
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(part, mode, encoding=None if "b" in mode else "utf-8", newline=None if "b" in mode else "\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give an empty ``path.part`` to fill; it takes the place of ``path`` at the end, or goes if anything fails."""
    part = path.with_name(path.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        if path.exists():
            shutil.rmtree(path)
        os.replace(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def write_lines(path: Path, lines: Iterable[str]) -> None:
    with whole_file(path) as file:
        file.writelines(line + "\n" for line in lines)


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file. Raises UserError if it is none."""
    return split_lines(path.read_bytes(), str(path))


def split_lines(data: bytes, name: str) -> list[str]:
    """Lines without their ends; only ``\\n`` ends a line, as for every corpus tool. ``name`` is for the error."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} must be UTF-8 text, but its byte {error.start} is not.") from error
    lines = text.split("\n")
    return [line.rstrip("\r") for line in (lines if lines[-1] else lines[:-1])]


def write_json(path: Path, value: Any) -> None:
    with whole_file(path) as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.write("\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def check_ours(folder: Path, marker: str, beside: str = "") -> None:
    """Raise UserError if ``folder`` holds files, but not the one that says they are ours to replace.

    ``beside``: a pattern of names that may come before the marker.
    """
    if not folder.is_dir() or (folder / marker).exists():
        return
    ours = (".lock", f"{marker}.part", beside)  # the second is all there is after a kill at the very beginning
    others = sorted(path.name for path in folder.iterdir() if not any(path.match(name) for name in ours if name))
    if others:
        raise UserError(f"{folder} must be empty or of our own making, but holds {others[0]} and no {marker}.")


def sha256_of(paths: Iterable[Path]) -> str:
    """One digest of several files, names and contents."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0")
        with open(path, "rb") as file:
            while chunk := file.read(1 << 16):
                digest.update(chunk)
    return digest.hexdigest()
