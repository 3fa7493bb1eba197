"""Data that comes in Debian's packages: signed, versioned, unpacked into a folder of one's own without root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from sse_nmt.atomic_files import whole_folder
from sse_nmt.children import last_line
from sse_nmt.errors import UserError


def fetch_packages(packages: Iterable[str], folder: Path, what: str) -> dict[str, str]:
    """Download each package and unpack it to ``folder``/package (kept if there); return package -> version.

    Raises:
        UserError: ``what`` needs a program or a package that is not to be had.
    """
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise UserError(f"`{what}` comes from Debian's packages and needs {program}, which is not installed.")
    return {package: _fetch_package(package, folder) for package in packages}


def _fetch_package(package: str, folder: Path) -> str:
    unpacked = folder / package
    if not (unpacked / "VERSION").exists():
        with whole_folder(unpacked) as part:
            archive = _download(package, part)
            _run(["dpkg-deb", "-x", str(archive), str(part)], f"`{archive.name}` cannot be unpacked")
            version = _run(["dpkg-deb", "-f", str(archive), "Version"], f"`{archive.name}` cannot be read")
            archive.unlink()
            (part / "VERSION").write_text(version, encoding="utf-8")
    return (unpacked / "VERSION").read_text(encoding="utf-8").strip()


def _download(package: str, folder: Path) -> Path:
    command = ["apt-get", "download", package]
    try:
        _run(command, f"`{package}` cannot be downloaded", folder)
    except UserError as error:
        if os.geteuid() != 0:
            raise UserError(f"{error} (run `sudo apt-get update` if this machine has no package lists yet)") from None
        _run(["apt-get", "update"], "The package lists cannot be fetched")
        _run(command, f"`{package}` cannot be downloaded", folder)
    archives = list(folder.glob("*.deb"))
    if len(archives) != 1:
        raise UserError(f"`apt-get download {package}` must leave one archive, but left {len(archives)}.")
    return archives[0]


def _run(command: list[str], what: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode != 0:
        raise UserError(f"{what}: {last_line(done.stderr or f'{command[0]} ended with status {done.returncode}')}")
    return done.stdout
