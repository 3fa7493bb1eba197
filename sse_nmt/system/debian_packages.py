"""Data that comes in Debian's packages: signed, versioned, unpacked into a folder of one's own without root."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from sse_nmt.system.atomic_files import atomic_directory
from sse_nmt.system.child_processes import run_child
from sse_nmt.system.errors import UserError


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
        with atomic_directory(unpacked) as part:
            archive = _download(package, part)
            run_child(["dpkg-deb", "-x", str(archive), str(part)], f"`{archive.name}` cannot be unpacked")
            version = run_child(["dpkg-deb", "-f", str(archive), "Version"], f"`{archive.name}` cannot be read")
            archive.unlink()
            (part / "VERSION").write_text(version, encoding="utf-8")
    return (unpacked / "VERSION").read_text(encoding="utf-8").strip()


def _download(package: str, folder: Path) -> Path:
    command = ["apt-get", "download", package]
    try:
        run_child(command, f"`{package}` cannot be downloaded", folder)
    except UserError as error:
        if os.geteuid() != 0:
            raise UserError(f"{error} (run `sudo apt-get update` if this machine has no package lists yet)") from None
        run_child(["apt-get", "update"], "The package lists cannot be fetched")
        run_child(command, f"`{package}` cannot be downloaded", folder)
    archives = list(folder.glob("*.deb"))
    if len(archives) != 1:
        raise UserError(f"`apt-get download {package}` must leave one archive, but left {len(archives)}.")
    return archives[0]
