"""The target pieces that a source piece allows."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import refused, sse_nmt_here

from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.system.atomic_files import read_lines
from sse_nmt.text.dictionary import Vocabulary
from sse_nmt.text.subwords import load_model
from sse_nmt.translation import vocabulary_map
from sse_nmt.translation.engines import engine
from sse_nmt.translation.options import SearchOptions
from sse_nmt.translation.translator import vocabulary_map_of
from sse_nmt.translation.vocabulary_map import candidates, stands_in


def dice(source: list[list[int]], target: list[list[int]], e: int, f: int) -> float:
    both = sum(e in one and f in other for one, other in zip(source, target, strict=True))
    return 2 * both / (sum(e in one for one in source) + sum(f in other for other in target))


@pytest.mark.parametrize("seed", range(5))
def test_the_best_by_dice_as_a_loop_finds_them(seed):
    dice_of = random.Random(seed)
    source, target = (
        [[dice_of.randrange(-1, 7) for _ in range(dice_of.randrange(6))] for _ in range(20)] for _ in "st"
    )
    sides = [stands_in([np.array(line, dtype=np.int64) for line in side], 7) for side in (source, target)]
    always, allowed = candidates(*sides, 3)
    often = {f: sum(f in line for line in target) for f in range(7)}
    assert always == sorted((f for f in often if often[f]), key=lambda f: (-often[f], f))
    for e in range(7):
        scores = {f: dice(source, target, e, f) for f in range(7) if any(e in line for line in source)}
        wanted = sorted((f for f in scores if scores[f] > 0), key=lambda f: (-np.float32(scores[f]), f))[:3]
        assert allowed[e].tolist() == wanted


@pytest.fixture
def run(toy_runs: dict[str, Path], tmp_path: Path) -> RunFolder:
    return RunFolder(shutil.copytree(toy_runs["baseline"], tmp_path / "run"))


def translated(run: RunFolder, toy_data: Path, *words: str) -> list[str]:
    output = run.path.with_name("translated")
    sse_nmt_here("translate", run.path, "--input", toy_data / "text/test.en", "--output", output, *words)
    return read_lines(output)


def test_with_all_it_translates_as_without(run, toy_data):
    assert translated(run, toy_data, "--candidates", "1000") == translated(run, toy_data)


def allowed_by(path: Path) -> dict[str, set[str]]:
    return {piece: set(rest.split()) for piece, _, rest in (line.partition("\t") for line in read_lines(path))}


@pytest.mark.parametrize("compute_type", ["float32", "int8"])
def test_what_is_not_allowed_is_not_written(run, toy_data, monkeypatch, tmp_path, compute_type):
    monkeypatch.setattr(vocabulary_map, "_ALWAYS", 3)
    options = SearchOptions(compute_type=compute_type, max_length=40)
    ours = engine(run.model(), options, tmp_path / "mapped", vocabulary_map_of(run, 1))
    plain = engine(run.model(), options, tmp_path / "plain")
    allowed = allowed_by(tmp_path / "mapped/vmap.txt")
    source, target = (Vocabulary.read(toy_data / f"bin/dict.{language}.txt") for language in ("en", "de"))
    assert len(allowed[""]) == 3 and set(allowed) == {"", *(source.tokens[row] for row in source.words)}
    assert all(len(pieces - {piece}) <= 1 for piece, pieces in allowed.items() if piece)
    assert all(piece in allowed[piece] for piece in allowed if piece in target.rows)
    pieces, others = load_model(run.subword_model), 0
    for line in read_lines(toy_data / "text/test.en"):  # each by itself: a batch allows what one of its lines does
        english = pieces.encode(line, out_type=str)
        possible = {"<unk>"}.union(allowed[""], *(allowed.get(piece, set()) for piece in english))
        (german,), (unbound,) = ours.translate([english]), plain.translate([english])
        assert set(german) <= possible
        others += not set(unbound) <= possible
    assert others > 10, "a test that shows something"


def test_scores_say_so(run, toy_data, tmp_path, capsys):
    sse_nmt_here("evaluate", run.path, "--candidates", "7")
    other = shutil.copytree(run.path, tmp_path / "other")
    sse_nmt_here("compare", f"a={run.path}", f"b={other}", "--output", tmp_path / "page")
    assert "ctranslate2 float32, 7 candidates." in (tmp_path / "page/comparison.md").read_text()
    sse_nmt_here("evaluate", other)
    said = refused(capsys, "compare", f"a={run.path}", f"b={other}", "--output", tmp_path / "again", after_news=True)
    assert said.startswith("All runs must be translated alike, but `candidates` is 7 for")


def test_it_is_made_once(run, toy_data):
    translated(run, toy_data, "--candidates", "5")
    made = (run.converted / "vmap.txt").stat().st_mtime_ns
    translated(run, toy_data, "--candidates", "5")
    assert (run.converted / "vmap.txt").stat().st_mtime_ns == made
    translated(run, toy_data, "--candidates", "6")
    assert (run.converted / "vmap.txt").stat().st_mtime_ns != made
    translated(run, toy_data)
    assert not (run.converted / "vmap.txt").exists()


def test_what_it_needs(run, toy_data, tmp_path, capsys):
    words = ["translate", run.path, "--input", toy_data / "text/test.en", "--candidates"]
    assert refused(capsys, *words, "0") == "`--candidates` must be at least 1, but is 0 instead."
    assert refused(capsys, *words, "5", "--engine", "fairseq") == (
        "`--candidates` needs the engine ctranslate2, but `--engine` is fairseq: leave one out."
    )
    record = run.record_file
    written = record.read_text()
    moved = Path(shutil.copytree(toy_data, tmp_path / "moved"))
    record.write_text(written.replace(str(toy_data), str(moved)))
    manifest = moved / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"fingerprint": "', '"fingerprint": "0'))
    said = refused(capsys, *words, "5")
    assert said == f"{moved} must hold the text of the training for `--candidates`, but holds another."
    shutil.rmtree(moved)
    assert refused(capsys, *words, "5") == (
        f"`--candidates` needs the text that {run.path} was trained on, but {moved} is gone: prepare it again there, "
        f"or leave the option out."
    )
    assert not list(run.path.glob("*.part"))
