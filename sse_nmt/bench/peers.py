"""Other toolkits, each from its release on PyPI in a virtual environment of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sse_nmt.atomic_files import whole_file
from sse_nmt.bench.race import Command
from sse_nmt.errors import UserError
from sse_nmt.progress import say, step


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
        _call(name, [sys.executable, "-m", "venv", "--clear", str(place)])
        _call(name, [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted.split()])
        with whole_file(done) as file:
            file.write(wanted)
    return python


def _call(name: str, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        say(done.stderr.strip())
        raise UserError(f"{name} could not be installed: `{' '.join(command)}` ended with status {done.returncode}.")
