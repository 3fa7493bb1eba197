"""Steps that are done once: skipped when their outputs are complete and their inputs unchanged."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict

from sse_nmt.system.atomic_files import write_json
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import duration, log_line, step
from sse_nmt.system.records import read_record


class StepRecord(TypedDict):
    """``seal``: a digest of the rest, so that what was damaged is done again."""

    key: dict[str, Any]
    outputs: dict[str, list[int] | None]
    seconds: float
    result: Any
    seal: str


class Steps:
    """The records of the steps done in a folder, one JSON file each, written when a step is complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.seconds: dict[str, float] = {}
        self.titles: dict[str, str] = {}

    def run(
        self,
        name: str,
        title: str,
        work: Callable[[], Any],
        inputs: Sequence[Path] = (),
        outputs: Sequence[Path] = (),
        stale: Sequence[Path] = (),
        **settings: Any,
    ) -> Any:
        """The result of ``work`` (JSON), from its record if files and settings are as they were.

        Files are told by size and time of change. The record goes before work begins and comes back at its end;
        ``stale``, what is no longer true once work has begun, goes for good.
        """
        record = self._folder / "steps" / f"{name}.json"
        key = json.loads(json.dumps({"settings": settings, "inputs": self._state(inputs)}))
        before = _read(record)
        self.titles[name] = title
        if before is not None and before["key"] == key and before["outputs"] == self._state(outputs):
            log_line(f"{title}: done before, in {duration(before['seconds'])}.")
            self.seconds[name] = before["seconds"]
            return before["result"]
        for path in (record, *stale):
            path.unlink(missing_ok=True)
        start = time.monotonic()
        with step(title):
            result = work()
        self.seconds[name] = time.monotonic() - start
        complete = {
            "key": key, "outputs": self._state(outputs), "seconds": self.seconds[name], "result": result
        }  # fmt: skip
        write_json(record, {**complete, "seal": _seal(complete)})
        return result

    def _state(self, paths: Sequence[Path]) -> dict[str, list[int] | None]:
        state: dict[str, list[int] | None] = {}
        for path in paths:
            found = path.stat() if path.exists() else None
            name = str(path.relative_to(self._folder) if path.is_relative_to(self._folder) else path)
            state[name] = None if found is None else [found.st_size, found.st_mtime_ns]
        return state


def _read(path: Path) -> StepRecord | None:
    """None if there is none, or it is not as it was written."""
    try:
        record = read_record(path, StepRecord)
    except (OSError, UserError):
        return None
    rest: dict[str, Any] = {key: value for key, value in record.items() if key != "seal"}
    return record if record["seal"] == _seal(rest) else None


def _seal(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
