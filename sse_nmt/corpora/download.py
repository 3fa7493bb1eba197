"""Fetching one file over HTTP: whole, checked, or not at all."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

from tqdm import tqdm

from sse_nmt.atomic_files import whole_file
from sse_nmt.errors import UserError
from sse_nmt.progress import on_terminal

_CHUNK = 1 << 16
_TIMEOUT = 60.0  # seconds without a byte


def download(url: str, path: Path, sha256: str) -> None:
    """Put what ``url`` serves at ``path`` if its size and SHA-256 are right; a file already there is only checked.

    Raises:
        UserError: not served, cut short, or of another checksum; nothing is left under ``path`` then.
    """
    if path.exists():
        check_sha256(path, sha256)
        return
    try:
        with whole_file(path, "wb") as file:
            _receive(url, file)
            file.flush()
            check_sha256(Path(file.name), sha256, name=url)
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ValueError) as error:
        raise UserError(f"{url} cannot be downloaded: {getattr(error, 'reason', None) or error}.") from error


def check_sha256(path: Path, expected: str, name: str | None = None) -> None:
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise UserError(f"{name or path} must have the SHA-256 {expected}, but has {found} instead.")


def _receive(url: str, file: IO[bytes]) -> None:
    with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:
        announced = response.headers.get("Content-Length")
        total = int(announced) if announced is not None else None
        with tqdm.wrapattr(
            response, "read", total=total, desc=f"  {Path(url).name}", leave=False, disable=not on_terminal()
        ) as body:
            shutil.copyfileobj(body, file, _CHUNK)
    if total is not None and file.tell() != total:
        raise UserError(f"{url} must have {total} bytes, but was cut short after {file.tell()}.")
