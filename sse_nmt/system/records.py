"""JSON files of our own making, read as their schema says or refused in one sentence.

A schema is a `TypedDict`, whose types mypy knows too. Keys that it does not name are let through: a later version may
have written them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from sse_nmt.system.errors import UserError

Kind = TypeVar("Kind")
Count = Annotated[int, msgspec.Meta(ge=0)]
LARGEST = 256 * 2**20  # bytes; none of ours comes near


def read_record(path: Path, kind: type[Kind]) -> Kind:
    """What a file holds, which must be JSON (no NaN, no infinity) of this kind.

    Raises:
        UserError: it is not.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if size > LARGEST:
        raise UserError(f"{path} must be at most {LARGEST:,} bytes long, as what sse-nmt writes, but is {size:,}.")
    return parse_record(path.read_bytes(), kind, str(path))


def parse_record(data: bytes, kind: type[Kind], name: str) -> Kind:
    """``name``: for the error."""
    try:
        value: Any = msgspec.json.decode(data)
        msgspec.convert(value, kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError, SystemError) as error:
        raise UserError(
            f"{name} must be as sse-nmt wrote it, but is damaged or changed ({error}): restore it, or make it again."
        ) from None
    found: Kind = value
    return found
