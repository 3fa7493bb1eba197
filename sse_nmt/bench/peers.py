"""Other toolkits, each from its release on PyPI in a virtual environment of its own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sse_nmt.bench.benchmark import Command
from sse_nmt.system.atomic_files import atomic_write
from sse_nmt.system.child_processes import run_child
from sse_nmt.system.progress import step


@dataclass(frozen=True)
class Peer:
    module: str  # of sse_nmt.bench, run by the peer's own Python
    requirements: tuple[str, ...]  # besides our torch


PEERS = {
    "Eole": Peer("peer_eole", ("eole==0.6.4",)),
    # importlib_metadata is imported by its release and not asked for.
    "JoeyNMT": Peer("peer_joeynmt", ("joeynmt==2.3.0", "importlib_metadata")),
}


def peer_commands(folder: Path) -> dict[str, Command]:
    """A command for each peer, installed below ``folder`` unless that was done before.

    Raises:
        UserError: an installation failed.
    """
    return {name: Command(str(_environment(name, peer, folder)), peer.module) for name, peer in PEERS.items()}


def requirements_of(peer: Peer) -> str:
    """With the torch that we have, so that its speed is not compared too."""
    return "\n".join((f"torch=={version('torch').partition('+')[0]}", *peer.requirements)) + "\n"


def _environment(name: str, peer: Peer, folder: Path) -> Path:
    """The Python of the environment."""
    place = folder.absolute() / name.lower()
    wanted = requirements_of(peer)
    done = place / "installed"
    python = place / "bin" / "python"
    if done.is_file() and done.read_text(encoding="utf-8") == wanted:
        return python
    with step(f"Installing {name} into {place}"):
        failed = f"{name} could not be installed"
        run_child([sys.executable, "-m", "venv", "--clear", str(place)], failed)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run_child([*pip, *wanted.split()], failed)
        with atomic_write(done) as file:
            file.write(wanted)
    return python
