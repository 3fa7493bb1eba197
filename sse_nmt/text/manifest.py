"""DIR/manifest.json: what `sse-nmt prepare` made, and of what."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NotRequired, TypedDict

from sse_nmt.system.records import Count, read_record

NAME = "manifest.json"


class TextOptions(TypedDict):
    """Those of `PrepareOptions` that others need; all of them are there."""

    source_lang: str
    target_lang: str


class Manifest(TypedDict):
    """Args:
    fingerprint: of the text as it is trained or tested on.
    binary: folders of `task.data`, that of the text as it is first.
    """

    options: TextOptions
    pairs: dict[str, Count]
    fingerprint: str
    format: NotRequired[int]
    inputs: NotRequired[Any]
    binary: NotRequired[list[str]]


def read_manifest(folder: Path) -> Manifest:
    """Of a folder that was prepared. Raises UserError, as `read_record` does."""
    return read_record(folder / NAME, Manifest)
