"""Files and folders that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from sse_nmt.system.errors import UserError

_NAME = 200  # characters of a name that a part keeps: names have an end


@contextlib.contextmanager
def atomic_write(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a new file for writing that takes the place of ``path`` at the end, or goes if anything goes wrong.

    A symbolic link is followed; what is no regular file (a device, a pipe) is written straight into.
    """
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    path = path.resolve()
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        try:
            with open(path, mode, **text) as file:
                yield file
        except OSError as error:
            _name(error, path)
            raise
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part, descriptor = _new_part(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW)
    try:
        with open(descriptor, mode, **text) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(part, path)  # before it is closed: until then nobody takes it for a leftover
        sync_folder(path.parent)
    except BaseException as error:
        part.unlink(missing_ok=True)
        _name(error, path)
        raise


@contextlib.contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it takes the place of ``path`` at the end, or goes if anything fails."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    part, descriptor = _new_part(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield part
        _sync_tree(part)
        if path.exists():
            shutil.rmtree(path)
        os.replace(part, path)
        sync_folder(path.parent)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        _name(error, path)
        raise
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder outlive a power cut, as `os.fsync` has the content of a file."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # of file systems that cannot
            raise
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink():
                with open(path, "rb") as file:
                    os.fsync(file.fileno())
        sync_folder(Path(parent))


def _name(error: BaseException, path: Path) -> None:
    """The system does not say which file it had no space for."""
    if isinstance(error, OSError) and error.filename is None:
        error.filename = str(path)


def _new_part(path: Path, flags: int) -> tuple[Path, int]:
    """A file or folder beside ``path`` under a name of one's own, open and locked for as long as it is.

    What killed processes have left there goes: nobody holds its lock.
    """
    for leftover in path.parent.glob(f"{glob.escape(path.name[:_NAME])}.*.part"):
        _remove_leftover(leftover)
    while True:
        part = path.with_name(f"{path.name[:_NAME]}.{secrets.token_hex(4)}.part")
        if flags & os.O_DIRECTORY:
            part.mkdir()
        descriptor = os.open(part, flags | os.O_CLOEXEC, 0o666)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if part.exists():
            return part, descriptor
        os.close(descriptor)  # somebody took it for a leftover before it was locked


def _remove_leftover(part: Path) -> None:
    with contextlib.suppress(OSError):  # gone, somebody else's, or no file
        descriptor = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if part.is_dir():
                shutil.rmtree(part)
            else:
                part.unlink()
        finally:
            os.close(descriptor)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    with atomic_write(path) as file:
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
    with atomic_write(path) as file:
        file.write(_as_json(value))


def keep_json(path: Path, value: Any) -> None:
    """Write it unless it is there already: the time of the file is then that of its content."""
    if not path.is_file() or path.read_bytes() != _as_json(value).encode():
        write_json(path, value)


def _as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def check_ours(folder: Path, marker: str, beside: str = "") -> None:
    """Raise UserError if ``folder`` holds files, but not the one that says they are ours to replace.

    ``beside``: a pattern of names that may come before the marker.
    """
    if not folder.is_dir() or (folder / marker).exists():
        return
    ours = (".lock", f"{marker}.*.part", f"{marker}.part", beside)  # parts: killed at the very beginning
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
