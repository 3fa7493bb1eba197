"""A file that is not whole yet: what was received so far, and of which version of whose file it is."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from sse_nmt.system.atomic_files import write_json
from sse_nmt.system.errors import UserError
from sse_nmt.system.records import read_record


class _Origin(TypedDict):
    url: str
    version: str | None


class PartialFile:
    """What is beside ``path`` until it gets that name."""

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
