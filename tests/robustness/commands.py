"""Commands that change files, each in a folder of its own, and what they leave there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from conftest import ROOT, sse_nmt_here

from sse_nmt.corpora.options import PrepareOptions

NAMES = ["prepare", "average", "export", "evaluate", "newstest", "translate", "compare", "graph build", "study"]
# What tells of time, or of where and when something was done.
_OF_THE_MOMENT = re.compile(r'"(seconds|started|finished|modified|sentences_per_second)": (\{[^}]*\}|[^,}\n]+)')
_SIZES = {"embed_dim": 32, "layers": 1, "ffn_embed_dim": 32, "attention_heads": 2}
_PASSING = re.compile(r"\.lock$|/steps/|\.part$")


@dataclass(frozen=True)
class Command:
    """``work`` in a copy of ``start``; ``lasting``: what must come to the same bytes."""

    start: Path
    work: Callable[[Path], None]
    lasting: re.Pattern[str] = re.compile("")


def commands(
    toy_data: Path, toy_runs: dict[str, Path], toy_options: PrepareOptions, tmp_path: Path
) -> dict[str, Command]:
    """By the name that the table has; where they start from is made in ``tmp_path``."""
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
    study = tmp_path / "study"
    study.mkdir()
    (study / "study.yaml").write_text(yaml.safe_dump(_study_tree(toy_options)))
    text, dictionary, pieces = toy_data / "text/test.en", toy_data / "bin/dict.en.txt", toy_data / "pieces/train"

    def data(folder: Path) -> None:
        files = ("--source", toy_options.source, "--target", toy_options.target)
        sizes = ("--vocab-size", "80", "--valid", "10", "--test", "10", "--max-ratio", "3")
        sse_nmt_here("prepare", "files", folder / "data", *files, *sizes)

    def graph(folder: Path) -> None:
        texts = ("--source", f"{pieces}.en", "--target", f"{pieces}.de")
        sse_nmt_here("graph", "build", "pivot", folder / "graph.npz", "--dictionary", dictionary, *texts)

    return {
        "prepare": Command(empty, data),
        "average": Command(numbered, lambda folder: sse_nmt_here("average", folder, "--last", "2")),
        "export": Command(
            numbered, lambda folder: sse_nmt_here("export", folder, folder.parent / f"{folder.name}.out" / "plain.pt")
        ),
        "evaluate": Command(numbered, lambda folder: sse_nmt_here("evaluate", folder)),
        "newstest": Command(numbered, lambda folder: sse_nmt_here("newstest", folder)),
        "translate": Command(
            numbered,
            lambda folder: sse_nmt_here("translate", folder, "--input", text, "--output", folder / "translated"),
        ),
        "compare": Command(
            both,
            lambda folder: sse_nmt_here("compare", folder / "baseline", folder / "sse_se", "--output", folder / "page"),
        ),
        "graph build": Command(empty, graph),
        "study": Command(study, _study, re.compile("/data/|/(scores|hypotheses)")),
    }


def _study_tree(text: PrepareOptions) -> dict[str, Any]:
    """One corpus, one system, four updates."""
    own = {"source": text.source, "target": text.target, "valid": 10, "test": 10, "max_ratio": 3.0, "vocab_size": 80}
    model = {f"model.{side}_{what}": size for side in ("encoder", "decoder") for what, size in _SIZES.items()}
    return {
        "corpora": {"toy": {"prepare": "files", **own}},
        "systems": {"baseline": {"config": f"{ROOT}/configs/quickstart/baseline.yaml"}},
        "seeds": [1], "updates": 4, "evaluate": {"beam": 1, "max_length": 20},
        "set": model | {"dataset.max_tokens": 400, "checkpoint.save_interval_updates": 2},
    }  # fmt: skip


def _study(folder: Path) -> None:
    sse_nmt_here("study", folder / "study.yaml", "--output", folder / "out", "--jobs", "1")


def contents(folder: Path, lasting: re.Pattern[str]) -> dict[str, bytes]:
    """What stays of ``lasting``, without what tells of time or place."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and lasting.search(f"/{name}") and not _PASSING.search(f"/{name}"):
            data = path.read_bytes()
            if path.suffix in (".json", ".html", ".md"):
                data = _OF_THE_MOMENT.sub("", data.decode().replace(str(folder), "")).encode()
            found[name] = data
    return found


def fresh(command: Command, tmp_path: Path) -> Path:
    """A folder to work in, always of one name, which some outputs hold."""
    folder = tmp_path / "work" / "place"
    for path in (folder, folder.with_name("place.out")):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(command.start, folder)
    return folder
