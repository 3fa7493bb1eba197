"""Fetching one file over HTTP: whole, checked, or not at all; what was received is kept for the next attempt."""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypedDict

from sse_nmt.system.atomic_files import write_json
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import Progress
from sse_nmt.system.records import read_record

_CHUNK = 1 << 16
_TIMEOUT = 60.0  # seconds without a byte
_PAUSE = 2.0  # seconds before the next attempt
_ATTEMPTS = 5  # in a row that bring nothing new


def download(url: str, path: Path, sha256: str | None = None, check: Callable[[Path], None] | None = None) -> None:
    """Put what ``url`` serves at ``path`` if its size and SHA-256 are right; a file already there is only checked.

    ``check`` looks into the file before it gets its name. A connection that breaks is taken up again where it broke,
    now or when called again, if the server can do that and its file is still the same.

    Raises:
        UserError: not served, cut short, or of another checksum; nothing is left under ``path`` then.
    """
    if path.exists():
        _check(path, sha256, check, str(path))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _Part(path)
    try:
        _receive_all(url, part)
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError, UserError) as error:
        if part.size(url) == 0:
            part.discard()
        if isinstance(error, UserError):
            raise
        raise UserError(f"{url} cannot be downloaded: {getattr(error, 'reason', None) or error}.") from error
    try:
        _check(part.path, sha256, check, url)
    except UserError:
        part.discard()
        raise
    part.path.replace(path)
    part.origin.unlink(missing_ok=True)


def sha256_of_file(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str, name: str | None = None) -> None:
    found = sha256_of_file(path)
    if found != expected:
        raise UserError(f"{name or path} must have the SHA-256 {expected}, but has {found} instead.")


def _check(path: Path, sha256: str | None, check: Callable[[Path], None] | None, name: str) -> None:
    if sha256 is not None:
        check_sha256(path, sha256, name)
    if check is not None:
        check(path)


class _Origin(TypedDict):
    url: str
    version: str | None


class _Part:
    """What was received so far, and the version of the server's file that it belongs to."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".part")
        self.origin = path.with_name(path.name + ".part.json")

    def size(self, url: str) -> int:
        """Bytes that can be gone on from; 0 if they are of unknown origin."""
        if self.path.exists() and self.version(url) is not None:
            return self.path.stat().st_size
        return 0

    def version(self, url: str) -> str | None:
        try:
            origin = read_record(self.origin, _Origin)
            return origin["version"] if origin["url"] == url else None
        except (OSError, UserError):  # none, or not ours
            return None

    def begin(self, url: str, version: str | None) -> None:
        self.path.unlink(missing_ok=True)
        write_json(self.origin, {"url": url, "version": version})

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.origin.unlink(missing_ok=True)


def _receive_all(url: str, part: _Part) -> None:
    """Ask until the last byte is here, giving up after several attempts in a row that brought none."""
    vain = 0
    while True:
        before = part.size(url)
        try:
            total = _receive(url, part, before)
            received = part.path.stat().st_size
            if total is None or received == total:
                return
            problem: Exception = UserError(f"{url} must have {total} bytes, but was cut short after {received}.")
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and before > 0:
                if error.headers.get("Content-Range") == f"bytes */{before}":
                    return  # all of it is here: stopped before it got its name
                part.discard()  # the file there is shorter than what is here
                continue
            if error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            problem = error
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            problem = error
        vain = vain + 1 if part.size(url) <= before else 0
        if vain == _ATTEMPTS or part.size(url) == 0:  # nothing to go on from: a server that is not there
            raise problem
        time.sleep(_PAUSE)


def _receive(url: str, part: _Part, start: int) -> int | None:
    """Receive from byte ``start`` on; return the size of the whole file, None if the server does not say."""
    request = urllib.request.Request(url)
    if start > 0:
        request.add_header("Range", f"bytes={start}-")
        request.add_header("If-Range", part.version(url) or "")
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            start = 0
            part.begin(url, _strong_version(response.headers))
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            part.discard()
            raise UserError(f"{url} must go on at byte {start}, but its server sent something else.")
        announced = response.headers.get("Content-Length")
        total = start + int(announced) if announced is not None else None
        with (
            open(part.path, "ab") as file,
            Progress(total, f"fetching {Path(url).name}", "B", start, scaled=True) as progress,
        ):
            _copy(response, file, progress)
    return total


def _strong_version(headers: http.client.HTTPMessage) -> str | None:
    """What If-Range can name (RFC 9110, 13.1.5): a strong entity tag, or the time of the last change."""
    tag = headers.get("ETag")
    return tag if tag is not None and not tag.startswith("W/") else headers.get("Last-Modified")


def _copy(response: IO[bytes], file: IO[bytes], progress: Progress) -> None:
    while chunk := response.read(_CHUNK):
        file.write(chunk)
        progress.advance(len(chunk))
