"""Every reader of a file, with files that were changed at random: the same as before, or one sentence; no traceback.

`--long` tries fifteen times as many and prints the table of docs/results/robustness.md.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from conftest import ROOT, read_json
from robustness.mutants import STRANGE, Mutants, changed, of_bytes, of_json, of_lines, places
from robustness.table import add_row

from sse_nmt.adapters.configuration_check import check_configuration
from sse_nmt.corpora.pipeline.steps import Steps
from sse_nmt.evaluation.scoring import metrics
from sse_nmt.evaluation.sentence_statistics import sentence_statistics
from sse_nmt.graphs.edges import edges_matrix
from sse_nmt.graphs.graph_file import GraphFile, load_graph, save_graph
from sse_nmt.graphs.text_lines import columns
from sse_nmt.graphs.vectors import read_vectors
from sse_nmt.methods.sse import KnowledgeGraph
from sse_nmt.runs import checkpoints
from sse_nmt.runs.average import mean_parameters
from sse_nmt.runs.checkpoints import load_checkpoint
from sse_nmt.runs.records import RunRecord, TextScores
from sse_nmt.runs.training_log import validation_curve
from sse_nmt.studies.kept_cells import KeptCell
from sse_nmt.studies.specification import read_study
from sse_nmt.system.archives import read_gzip
from sse_nmt.system.errors import UserError
from sse_nmt.system.records import read_record
from sse_nmt.text.bitext import read_pairs
from sse_nmt.text.dictionary import Vocabulary
from sse_nmt.text.manifest import read_manifest
from sse_nmt.text.subwords import load_model
from sse_nmt.training.configuration import run_configuration

_FEW, _MANY = 40, 600
_SECONDS, _MEMORY = 20, 2 * 2**20  # kB


@dataclass(frozen=True)
class Reader:
    """``exact``: what is taken must be what was there before."""

    file: str
    make: Callable[[Path], None]
    read: Callable[[Path], Any]
    mutants: Mutants = of_bytes
    exact: bool = False
    least_refused: float = 0.2


def copied(source: Path) -> Callable[[Path], None]:
    return lambda path: shutil.copyfile(source, path) and None


def written(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(text, encoding="utf-8") and None


def tensors(state: dict[str, Any]) -> list[tuple[str, bytes]]:
    return [(name, value.numpy().tobytes()) for name, value in state["model"].items()]


def small_checkpoint(path: Path) -> None:
    torch.manual_seed(1)
    model = {"a.weight": torch.randn(40, 8), "b.bias": torch.randn(8), "n": torch.tensor(3)}
    options = {"model": {"_name": "transformer", "max_source_positions": 64}, "task": {"_name": "translation"}}
    history = [{"num_updates": 10, "criterion_name": "x"}]
    torch.save({"model": model, "cfg": options, "optimizer_history": history, "extra_state": {"best": 5.0}}, path)


def structures(data: bytes, count: int, dice: random.Random) -> Any:
    """Whole archives whose content is not a checkpoint's."""
    path = Path("whole.pt")
    path.write_bytes(data)
    state = torch.load(path, weights_only=True)
    whole = [place for place in places(state) if place[0] != "model" or len(place) < 3]
    for _ in range(count):
        torch.save(changed(state, dice.choice(whole), dice.choice([..., *STRANGE])), path)
        yield path.read_bytes()


def kept_cell(run: Path) -> Callable[[Path], None]:
    kept = {"run": read_json(run / "run.json"), "scores": {"test": read_json(run / "scores/test.json")}, "log": [LOG]}
    return written(json.dumps(kept))


def step_record(path: Path) -> None:
    Steps(path.parent.parent).run("s", "A step", lambda: {"pairs": 3})


def same_step(path: Path) -> Any:
    """Its result, if it is taken for done; what is damaged is done again."""
    results: list[Any] = []
    found = Steps(path.parent.parent).run("s", "A step", lambda: results.append(1))
    if results:
        raise UserError("done again")
    return found


def graph(path: Path) -> None:
    tokens = ("<s>", "<pad>", "</s>", "<unk>", "▁a", "▁an", "b", "c")
    sources, targets = torch.tensor([4, 4, 5, 6]), torch.tensor([5, 6, 6, 7])
    made = KnowledgeGraph.from_edges(8, sources, targets, torch.tensor([0.5, 0.25, 1, 0.125]), symmetric=True)
    save_graph(path, GraphFile(made, tokens, {"builder": "edges"}))


def whole_graph(path: Path) -> Any:
    file = load_graph(path)
    made = file.graph
    return [file.tokens, made.offsets.tolist(), made.neighbours.tolist(), made.weights.tolist(), made.symmetric]


LOG = "\n".join(
    f'21:03:04 | INFO | {kind} | {{"epoch": {i}, "{kind}_loss": "{9 - i / 10}", "{kind}_num_updates": "{i}"}}'
    for i in range(1, 20)
    for kind in ("train_inner", "valid")
)
WORDS = Vocabulary(("<s>", "<pad>", "</s>", "<unk>", "▁a", "▁b", "▁c"), (1, 1, 1, 1, 3, 2, 1))
LINES = ["A line.", "Another one, longer.", "Äöü ß."]


def readers(toy_data: Path, run: Path) -> dict[str, Reader]:
    """All, by the name that the table has."""
    measures = {name: metric for name, metric in metrics("de").items() if name != "TER"}
    return {
        "run.json": Reader("run.json", copied(run / "run.json"), lambda p: read_record(p, RunRecord), of_json),
        "scores": Reader("test.json", copied(run / "scores/test.json"), lambda p: read_record(p, TextScores), of_json),
        "manifest": Reader(
            "manifest.json", copied(toy_data / "manifest.json"), lambda p: read_manifest(p.parent), of_json
        ),
        "checkpoint": Reader("a.pt", small_checkpoint, lambda p: tensors(load_checkpoint(p)), exact=True),
        "checkpoint, of another structure": Reader(
            "a.pt", small_checkpoint, lambda p: sorted(mean_parameters([p])), structures
        ),
        "train.log": Reader("train.log", written(LOG), validation_curve, of_lines, least_refused=0),
        "dictionary": Reader("dict.txt", copied(toy_data / "bin/dict.de.txt"), Vocabulary.read, of_lines),
        "graph": Reader("graph.npz", graph, whole_graph, exact=True),
        "counts of sentences": Reader(
            "test.stats.npz",
            lambda p: sentence_statistics(p, LINES, LINES, measures) and None,
            lambda p: [values.tolist() for values in sentence_statistics(p, LINES, LINES, measures).values()],
            exact=True,
            least_refused=0,
        ),
        "configuration": Reader(
            "training.yaml",
            copied(ROOT / "configs/quickstart/sse_se.yaml"),
            lambda p: run_configuration(p, toy_data, 1, 10, []),
            of_yaml,
        ),
        "configuration, by fairseq": Reader(
            "training.yaml",
            copied(ROOT / "configs/quickstart/sse_se.yaml"),
            lambda p: check_configuration(run_configuration(p, toy_data, 1, 10, [])),
            of_yaml,
        ),
        "kept cell": Reader("cell.json", kept_cell(run), lambda p: read_record(p, KeptCell), of_json),
        "word lists": Reader(
            "words.tsv",
            written("big\tlarge\nlarge\tgroß\n" * 9),
            lambda p: list(columns(p, "a", "b", (2,))),
            of_lines,
            least_refused=0.1,
        ),
        "record of a step": Reader("steps/s.json", step_record, same_step, exact=True, least_refused=0.5),
        "study": Reader(
            "study.yaml",
            written((ROOT / "configs/studies/verdict.yaml").read_text().replace("../", f"{ROOT}/configs/")),
            read_study,
            of_yaml,
        ),
        "edges": Reader(
            "edges.tsv",
            written("▁a\t▁b\t0.5\n▁b\t▁c\n" * 20),
            lambda p: edges_matrix(p, WORDS)[0].toarray().tolist(),
            of_lines,
        ),
        "vectors": Reader(
            "vectors.txt",
            written("3 4\n▁a 1 2 3 4\n▁b 5 6 7 8\n▁c 0 0 1 0\n"),
            lambda p: read_vectors(p, WORDS),
            of_lines,
        ),
        "gzip": Reader("a.gz", gzipped, lambda p: read_gzip(p, 10**6)),
        "text": Reader(
            "a.txt",
            written("".join(f"{line}\n" for line in LINES * 9)),
            lambda p: read_pairs(p, p),
            of_lines,
            least_refused=0.02,
        ),
        "SentencePiece model": Reader("a.model", copied(toy_data / "sentencepiece.model"), load_model, least_refused=0),
    }


def gzipped(path: Path) -> None:
    import gzip

    path.write_bytes(gzip.compress(b"some text\n" * 500, mtime=0))


def of_yaml(data: bytes, count: int, dice: random.Random) -> Any:
    tree = yaml.safe_load(data)
    whole = list(places(tree))
    for number in range(count):
        if number % 3 == 2:
            yield from of_bytes(data, 1, dice)
        else:
            new = changed(tree, dice.choice(whole), dice.choice([..., *STRANGE, "${a}", "${oc.env:HOME}", "???"]))
            yield yaml.safe_dump(new, allow_unicode=True).encode()


NAMES = sorted(
    ["run.json", "scores", "manifest", "checkpoint", "checkpoint, of another structure", "train.log", "dictionary",
     "graph", "counts of sentences", "configuration",
     "configuration, by fairseq", "kept cell", "record of a step", "word lists", "study", "edges", "vectors", "gzip",
     "text", "SentencePiece model"]
)  # fmt: skip


def test_all_are_named(toy_data, toy_runs):
    assert sorted(readers(toy_data, toy_runs["baseline"])) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_same_or_a_sentence(toy_data, toy_runs, tmp_path, monkeypatch, long, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoints, "_PAUSE", 0)  # nobody else writes them
    reader = readers(toy_data, toy_runs["baseline"])[name]
    path = tmp_path / "read" / reader.file
    path.parent.mkdir(parents=True)
    reader.make(path)
    good, before, memory = path.read_bytes(), reader.read(path), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused, same, longest, count = 0, 0, 0.0, _MANY if long else _FEW
    for number, data in enumerate(reader.mutants(good, count, random.Random(1))):
        path.write_bytes(data)
        start = time.monotonic()
        try:
            found = reader.read(path)
        except UserError as error:
            refused += 1
            assert "\n" not in str(error) and "\x1b" not in str(error) and len(str(error)) < 2100
        except OSError as error:  # the command line names the file, and why
            refused += 1
            assert error.filename is not None and error.strerror is not None, data[:300]
        except Exception as error:
            raise AssertionError(f"{name} {number}: {data[:3000]!r}") from error
        else:
            alike = repr(found) == repr(before)
            same += alike
            assert alike or not reader.exact or data == good, (number, data[:300])
        longest = max(longest, time.monotonic() - start)
    assert longest < _SECONDS and refused >= count * reader.least_refused
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < _MEMORY
    add_row(name, count, refused, same, count - refused - same, longest)
