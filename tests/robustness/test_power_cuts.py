"""A power cut before what a command does to files: done again, it ends as if nothing had been.

Four moments of each command; `--long` takes them all and prints the table of docs/results/robustness.md.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from conftest import sse_nmt_here
from robustness.power_cuts import cut_off, events_of
from robustness.table import add_row

from sse_nmt.corpora.prepare import prepare

_FEW = 4
# What tells of time, or of where and when something was done.
_OF_THE_MOMENT = re.compile(r'"(seconds|started|finished|modified|sentences_per_second)": (\{[^}]*\}|[^,}\n]+)')
_PASSING = re.compile(r"\.lock$|/steps/|\.part$|preprocess\.log$")


@dataclass(frozen=True)
class Command:
    """``work`` in a copy of ``start``."""

    start: Path
    work: Callable[[Path], None]


@pytest.fixture
def commands(toy_data, toy_runs, toy_options, tmp_path) -> dict[str, Command]:
    empty = tmp_path / "empty"
    empty.mkdir()
    run = toy_runs["baseline"]
    numbered = tmp_path / "numbered"
    shutil.copytree(run, numbered, ignore=shutil.ignore_patterns("ctranslate2"))
    for number in (1, 2):
        shutil.copy(run / "checkpoints/checkpoint_last.pt", numbered / f"checkpoints/checkpoint_1_{number}.pt")
    both = tmp_path / "both"
    for name, path in toy_runs.items():
        shutil.copytree(path, both / name, ignore=shutil.ignore_patterns("*.pt", "ctranslate2"))
    dictionary, pieces = toy_data / "bin/dict.en.txt", toy_data / "pieces/train"

    def in_small_steps(folder: Path) -> None:
        prepare(replace(toy_options, valid=10, test=10), folder / "data")

    def graph(folder: Path) -> None:
        texts = ("--source", f"{pieces}.en", "--target", f"{pieces}.de")
        sse_nmt_here("graph", "build", "pivot", folder / "graph.npz", "--dictionary", dictionary, *texts)

    return {
        "prepare": Command(empty, in_small_steps),
        "average": Command(numbered, lambda folder: sse_nmt_here("average", folder, "--last", "2")),
        "export": Command(
            numbered, lambda folder: sse_nmt_here("export", folder, folder.parent / f"{folder.name}.out" / "plain.pt")
        ),
        "evaluate": Command(numbered, lambda folder: sse_nmt_here("evaluate", folder)),
        "compare": Command(
            both,
            lambda folder: sse_nmt_here("compare", folder / "baseline", folder / "sse_se", "--output", folder / "page"),
        ),
        "graph build": Command(empty, graph),
    }


def contents(folder: Path) -> dict[str, bytes]:
    """What stays, without what tells of time or place."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not _PASSING.search(f"/{name}"):
            data = path.read_bytes()
            if path.suffix in (".json", ".html", ".md"):
                data = _OF_THE_MOMENT.sub("", data.decode().replace(str(folder), "")).encode()
            found[name] = data
    return found


NAMES = ["prepare", "average", "export", "evaluate", "compare", "graph build"]


@pytest.mark.parametrize("name", NAMES)
def test_done_again_it_ends_the_same(commands, tmp_path, long, name):
    command, log = commands[name], tmp_path / "log"

    def fresh(kind: str) -> Path:
        folder = tmp_path / "work" / "place"  # one name, which some outputs hold
        for path in (folder, folder.with_name("place.out")):
            shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(command.start, folder)
        return folder

    folder = fresh("whole")
    count = events_of(lambda: command.work(folder), log)
    whole = contents(folder.parent)
    assert count > 3 and whole
    events = range(1, count + 1) if long else sorted(random.Random(1).sample(range(1, count + 1), min(_FEW, count)))
    cuts = 0
    for event in events:
        folder = fresh("cut")
        cuts += cut_off(lambda folder=folder: command.work(folder), log, event)
        left = log.read_text(encoding="utf-8", errors="replace")
        assert "Traceback" not in left, left
        events_of(lambda folder=folder: command.work(folder), log)
        again = contents(folder.parent)
        assert again.keys() == whole.keys(), (event, again.keys() ^ whole.keys())
        different = [file for file in whole if whole[file] != again[file]]
        assert not different, (event, different)
    assert cuts >= len(events) * 0.8  # the number of events of worker processes is not always the same
    add_row(f"power cuts: {name}", cuts, 0, cuts, 0, 0.0)
