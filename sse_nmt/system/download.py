"""Fetching one file over HTTP: whole, checked, bounded, or not at all; what came is kept for the next attempt."""

from __future__ import annotations

import base64
import hashlib
import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sse_nmt.system.atomic_files import atomic_directory
from sse_nmt.system.errors import UserError
from sse_nmt.system.harmless import without_password
from sse_nmt.system.locks import waiting_lock
from sse_nmt.system.partial_file import PartialFile
from sse_nmt.system.progress import Progress

_CHUNK = 1 << 16
_PAUSE = 2.0  # seconds before the second attempt; each later pause is twice as long as the one before, up to
_LONGEST_PAUSE = 60.0
_MAY_PASS = (
    http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.TOO_MANY_REQUESTS, http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
)  # fmt: skip
_SLOWEST = 1000  # bytes a second; an attempt that brings less is in vain


@dataclass(frozen=True)
class Limits:
    """What a server is granted, whatever it says.

    Args:
        most: bytes of a file, as it is served and as it is unpacked.
        timeout: seconds without a byte, and over which the speed is looked at.
        retries: attempts in a row, after the first, that bring nothing new.
    """

    most: int = 20 * 10**9
    timeout: float = 60.0
    retries: int = 4


DEFAULT_LIMITS = Limits()


def download(
    url: str,
    path: Path,
    sha256: str | None = None,
    check: Callable[[Path], None] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> None:
    """Put what ``url`` serves at ``path`` if its size and SHA-256 are right; a file already there is only checked.

    ``check`` looks into the file before it gets its name. A connection that breaks is taken up again where it broke,
    now or when called again, if the server can do that and its file is still the same. A user's name and password in
    the URL go to its host alone (basic authentication), and are not written down.

    Raises:
        UserError: not served, cut short, too long, too slow, or of another checksum; nothing is left under ``path``.
    """
    request = _Request(url, limits)
    url = request.url
    if path.exists():
        _check(path, sha256, check, str(path))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = PartialFile(path)
    try:
        _receive_all(request, part)
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


def fetch_once(path: Path, sha256: str, download: Callable[[Path], None]) -> Path:
    """``path``, kept if there, else as ``download`` leaves it in a folder, which becomes the parent; processes that
    want the same file wait for one of them.

    Raises:
        UserError: a file of another hash, which is not kept, or what ``download`` raises.
    """
    folder = path.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    with waiting_lock(folder.with_name(f".{folder.name}.lock")):
        if path.exists():
            check_sha256(path, sha256)
        else:
            with atomic_directory(folder) as part:
                download(part)
                check_sha256(part / path.name, sha256, path.name)
    return path


def _check(path: Path, sha256: str | None, check: Callable[[Path], None] | None, name: str) -> None:
    if sha256 is not None:
        check_sha256(path, sha256, name)
    if check is not None:
        check(path)


class _Request:
    """A URL without the password that it came with, and the header that has it."""

    def __init__(self, url: str, limits: Limits) -> None:
        self.url = without_password(url)
        self.limits = limits
        found = urllib.parse.urlsplit(url).netloc.rpartition("@")[0] if self.url != url else ""
        words = urllib.parse.unquote(found)
        self._password = f"Basic {base64.b64encode(words.encode()).decode()}" if words else None

    def open(self, **headers: str) -> http.client.HTTPResponse:
        asked = urllib.request.Request(self.url, headers=headers)
        if self._password is not None:
            asked.add_unredirected_header("Authorization", self._password)
        response: http.client.HTTPResponse = urllib.request.urlopen(asked, timeout=self.limits.timeout)
        return response


def _receive_all(request: _Request, part: PartialFile) -> None:
    """Ask until the last byte is here, giving up after several attempts in a row that brought next to nothing."""
    url, vain, pause = request.url, 0, _PAUSE
    furthest = part.size(url)
    while True:
        problem = _attempt(request, part, part.size(url))
        if problem is None:
            return
        received = part.size(url)
        vain = vain + 1 if received - furthest < _SLOWEST else 0
        furthest = max(furthest, received)
        if vain > request.limits.retries or received == 0 and not _may_pass(problem):
            raise problem
        pause = _PAUSE if vain == 0 else pause
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _attempt(request: _Request, part: PartialFile, start: int) -> Exception | None:
    """None when all is here; what is worth another attempt. Raises what is not."""
    url = request.url
    try:
        total = _receive(request, part, start)
        received = part.path.stat().st_size
        if total is None or received == total:
            return None
        return UserError(f"{url} must have {total} bytes, but was cut short after {received}.")
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start > 0:
            if error.headers.get("Content-Range") == f"bytes */{start}":
                return None  # all of it is here: stopped before it got its name
            part.discard()  # the file there is shorter than what is here
            return error
        if not _may_pass(error):
            raise
        return error
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        return error


def _may_pass(problem: Exception) -> bool:
    """Whether a server that sent nothing may do better later."""
    if not isinstance(problem, urllib.error.HTTPError):
        return False
    return problem.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR or problem.code in _MAY_PASS


def _receive(request: _Request, part: PartialFile, start: int) -> int | None:
    """Receive from byte ``start`` on; return the size of the whole file, None if the server does not say."""
    url, most = request.url, request.limits.most
    headers = {"Range": f"bytes={start}-", "If-Range": part.version(url) or ""} if start > 0 else {}
    with request.open(**headers) as response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            start = 0
            part.begin(url, _strong_version(response.headers))
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            part.discard()
            raise UserError(f"{url} must go on at byte {start}, but its server sent something else.")
        announced = response.headers.get("Content-Length")
        total = start + int(announced) if announced is not None else None
        if total is not None and total > most:
            raise _too_long(url, most)
        with (
            open(part.path, "ab") as file,
            Progress(total, f"fetching {Path(url).name}", "B", start, scaled=True) as progress,
        ):
            if not _copy(response, file, progress, most - start, request.limits.timeout):
                part.discard()
                raise _too_long(url, most)
    return total


def _too_long(url: str, most: int) -> UserError:
    return UserError(f"{url} must have at most {most:,} bytes, but has more: see `--max-download`.")


def _strong_version(headers: http.client.HTTPMessage) -> str | None:
    """What If-Range can name (RFC 9110, 13.1.5): a strong entity tag, or the time of the last change."""
    tag = headers.get("ETag")
    return tag if tag is not None and not tag.startswith("W/") else headers.get("Last-Modified")


def _copy(response: IO[bytes], file: IO[bytes], progress: Progress, most: int, period: float) -> bool:
    """Whether it was no more than ``most`` bytes. Raises TimeoutError if it is slow over a whole period."""
    begun, since = time.monotonic(), 0
    while chunk := response.read1(_CHUNK):  # type: ignore[attr-defined]  # what there is, however little
        most -= len(chunk)
        if most < 0:
            return False
        file.write(chunk)
        progress.advance(len(chunk))
        since += len(chunk)
        now = time.monotonic()
        if now - begun >= period:
            if since < _SLOWEST * period:
                raise TimeoutError(f"it sends less than {_SLOWEST:,} bytes a second")
            begun, since = now, 0
    return True
