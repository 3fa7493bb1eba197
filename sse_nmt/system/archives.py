"""Compressed tar archives from elsewhere: checked whole, unpacked member by member, their paths never trusted."""

from __future__ import annotations

import errno
import gzip
import io
import shutil
import tarfile
import zlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from sse_nmt.system.atomic_files import atomic_write
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import Progress

_CHUNK = 1 << 20
_LONGEST_HEADER = 1 << 20  # bytes
_HEADERS = (
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
)  # fmt: skip


def check_archive(path: Path, members: Collection[str], most: int) -> None:
    """Raise UserError unless ``path`` is a whole .tgz that holds all ``members``: read to its end, nothing written."""
    _read(path, str(path).removesuffix(".part"), members, most, _pass_over)


def unpack(archive: Path, members: Mapping[str, Path], most: int) -> None:
    """Write the wanted ``members`` of a .tgz (name in the archive -> file) and nothing else.

    Args:
        most: bytes that it may unpack to.

    Raises:
        UserError: a member is missing or is no plain file, any member points outside the archive's own folder, or it
            is longer than it may be.
    """

    def write(content: IO[bytes], name: str) -> None:
        with atomic_write(members[name], "wb") as file:
            shutil.copyfileobj(content, file, _CHUNK)

    _read(archive, str(archive), members, most, write)


def read_gzip(path: Path, most: int) -> bytes:
    """What a gzip file unpacks to. Raises UserError if it is none, cut short, or of more than ``most`` bytes."""
    try:
        with gzip.open(path) as file:
            data = file.read(most + 1)
            if path.stat().st_size == 0:
                raise EOFError("it is empty")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path} must be a gzip file, but cannot be unpacked: {error}.") from error
    if len(data) > most:
        raise UserError(f"{path} must unpack to at most {most:,} bytes, but has more.")
    return data


def disk_error(error: BaseException | None) -> OSError | None:
    """What the disk said, where it and not the file is to blame; zipfile hides it behind an error of its own.

    A damaged archive may send its reader to a place before its beginning (EINVAL): that is the file's.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None and error.errno != errno.EINVAL:
            return error
        error = error.__context__
    return None


def _read(
    archive: Path, name: str, members: Collection[str], most: int, work: Callable[[IO[bytes], str], None]
) -> None:
    """Go through a whole archive and let ``work`` have the contents of ``members``."""
    missing = set(members)
    try:
        with (
            Progress(archive.stat().st_size, f"unpacking {name}", "B", scaled=True) as progress,
            _Counted(archive, progress) as file,
            gzip.GzipFile(fileobj=file) as unpacked,
            tarfile.open(fileobj=unpacked, mode="r|", tarinfo=_Member) as tar,
        ):
            for member in tar:
                path = PurePosixPath(member.name)
                if path.is_absolute() or ".." in path.parts:
                    raise UserError(f"{name} must hold files of its own folder only, but holds {member.name!r}.")
                if member.offset_data + member.size > most:
                    raise _too_long(name, most)
                if str(path) in members:
                    work(_content(tar, member, name), str(path))
                    missing.discard(str(path))
            while unpacked.read(_CHUNK):  # to the checksum at its end
                if unpacked.tell() > most:
                    raise _too_long(name, most)
    except OSError as error:
        if not isinstance(error, gzip.BadGzipFile):
            raise  # of the disk
        raise _no_archive(name, error) from error
    except (tarfile.TarError, EOFError, zlib.error, ValueError, OverflowError, RecursionError) as error:
        raise _no_archive(name, error) from error
    if missing:
        raise UserError(f"{name} must hold {min(missing)}, but does not.")


def _too_long(name: str, most: int) -> UserError:
    return UserError(f"{name} must unpack to at most {most:,} bytes, but has more: see `--max-download`.")


def _no_archive(name: str, error: Exception) -> UserError:
    return UserError(f"{name} must be a whole .tgz archive, but cannot be read: {error}.")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> IO[bytes]:
    content = tar.extractfile(member) if member.isreg() and not member.issparse() else None
    if content is None:
        raise UserError(f"{name} must hold {member.name} as a plain file, but it is something else.")
    return content


def _pass_over(content: IO[bytes], name: str) -> None:
    while content.read(_CHUNK):
        pass


class _Member(tarfile.TarInfo):
    """A member whose long name, or other attributes, are no longer than any has (tarfile reads them into memory)."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADERS and self.size > _LONGEST_HEADER:
            raise tarfile.ReadError(f"it has a header of {self.size:,} bytes")
        found: tarfile.TarInfo = super()._proc_member(tar)  # type: ignore[misc]
        return found


class _Counted(io.FileIO):
    """A file that reports how much of it was read."""

    def __init__(self, path: Path, progress: Progress) -> None:
        super().__init__(path)
        self._progress = progress

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self._progress.advance(len(data))
        return data
