"""Compressed tar archives from elsewhere: checked whole, unpacked member by member, their paths never trusted."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from sse_nmt.system.atomic_files import atomic_write
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import Progress

_CHUNK = 1 << 20


def check_gzip(path: Path) -> None:
    """Raise UserError unless ``path`` is a gzip file that is whole: its length and CRC, read to the end."""
    try:
        with gzip.open(path) as file:
            while file.read(_CHUNK):
                pass
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        name = path.name.removesuffix(".part")
        raise UserError(f"{name} must be a whole gzip file, but cannot be unpacked: {error}.") from error


def unpack(archive: Path, members: Mapping[str, Path]) -> None:
    """Write the wanted ``members`` of a .tgz (name in the archive -> file) and nothing else.

    Raises:
        UserError: a member is missing or is no plain file, or any member points outside the archive's own folder.
    """
    missing = set(members)
    try:
        with (
            Progress(archive.stat().st_size, f"unpacking {archive.name}", "B", scaled=True) as progress,
            _Counted(archive, progress) as file,
            tarfile.open(fileobj=file, mode="r|gz") as tar,
        ):
            for member in tar:
                path = PurePosixPath(member.name)
                if path.is_absolute() or ".." in path.parts:
                    raise UserError(f"{archive} must hold files of its own folder only, but holds {member.name!r}.")
                if str(path) in members:
                    _write(tar, member, members[str(path)], archive)
                    missing.discard(str(path))
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{archive} must be a .tgz archive, but cannot be read: {error}.") from error
    if missing:
        raise UserError(f"{archive} must hold {min(missing)}, but does not.")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, archive: Path) -> None:
    content = tar.extractfile(member) if member.isreg() else None
    if content is None:
        raise UserError(f"{archive} must hold {member.name} as a plain file, but it is something else.")
    with content, atomic_write(path, "wb") as file:
        shutil.copyfileobj(content, file, _CHUNK)


class _Counted(io.FileIO):
    """A file that reports how much of it was read."""

    def __init__(self, path: Path, progress: Progress) -> None:
        super().__init__(path)
        self._progress = progress

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self._progress.advance(len(data))
        return data
