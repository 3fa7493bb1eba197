"""Which code and which versions a run is of."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
from typing import Any

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


def _git(*arguments: str) -> str:
    return run_child(["git", "-C", USER_DIR, *arguments], "git failed")
