"""Which code, which versions and which machine a run is of."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

import torch

from sse_nmt.runs.records import RunRecord
from sse_nmt.system.child_processes import run_child
from sse_nmt.system.errors import UserError
from sse_nmt.system.user_dir import USER_DIR

_PACKAGES = ("torch", "ve-fairseq", "sacrebleu", "sentencepiece", "ctranslate2", "numpy")


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("sse_nmt", *_PACKAGES):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def git_state() -> dict[str, Any] | None:
    """Commit of the code that runs, and whether it was changed since; None outside a checkout."""
    try:
        _git("ls-files", "--error-unmatch", f"{USER_DIR}/__init__.py")  # the checkout of something else around us?
        commit = _git("rev-parse", "HEAD").strip()
        return {"commit": commit, "changed": _git("status", "--porcelain", "--", USER_DIR).strip() != ""}
    except (UserError, FileNotFoundError):
        return None


def device() -> str:
    """What trains here."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU ({platform.machine()})"


def machine_of(record: RunRecord) -> str:
    """Device and PyTorch that a run was trained with, all of them if it went on elsewhere."""
    sessions: list[Mapping[str, Any]] = [*record.get("earlier", []), record]
    known = (_machine(each, record.get("device", "unknown device")) for each in sessions)
    return ", then ".join(dict.fromkeys(known))


def _machine(session: Mapping[str, Any], otherwise: str) -> str:
    """``otherwise``: the device where the session did not record its own."""
    version = (session.get("versions") or {}).get("torch", "unknown")
    return f"{session.get('device') or otherwise} with torch {version}"


def _git(*arguments: str) -> str:
    return run_child(["git", "-C", USER_DIR, *arguments], "git failed")
