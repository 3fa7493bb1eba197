"""Copies of the training text, segmented at random: the same text, other pieces, an epoch each."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT, SMALLER, read_json, sse_nmt, sse_nmt_here

from sse_nmt.corpora.pipeline.sampled_copies import write_copies
from sse_nmt.text.subwords import load_model

LANGUAGES = ("en", "de")


@pytest.fixture
def texts(toy_data: Path) -> Path:
    return toy_data / "text"


def lines_of(folder: Path, number: int) -> list[list[str]]:
    return [(folder / f"{number}.{language}").read_text().split("\n")[:-1] for language in LANGUAGES]


def test_a_copy_is_the_same_text_in_other_pieces(texts, toy_data, tmp_path):
    model = toy_data / "sentencepiece.model"
    counts = write_copies(texts, tmp_path / "a", LANGUAGES, model, 2, 250, seed=1)
    write_copies(texts, tmp_path / "b", LANGUAGES, model, 2, 250, seed=1)
    write_copies(texts, tmp_path / "c", LANGUAGES, model, 1, 250, seed=2)
    one, two = lines_of(tmp_path / "a", 1), lines_of(tmp_path / "a", 2)
    assert [one, two] == [lines_of(tmp_path / "b", number) for number in (1, 2)]
    assert one != two and one != lines_of(tmp_path / "c", 1)
    processor = load_model(model)
    for copy in (one, two):
        for language, pieces in zip(LANGUAGES, copy, strict=True):
            text = (texts / f"train.{language}").read_text().split("\n")[:-1]
            assert [processor.decode(line.split()) for line in pieces] == text
    assert counts == Counter(piece for copy in (one, two) for side in copy for line in side for piece in line.split())


def test_a_sentence_too_long_in_pieces_keeps_its_best_ones(texts, toy_data, tmp_path):
    model = toy_data / "sentencepiece.model"
    write_copies(texts, tmp_path / "a", LANGUAGES, model, 1, 1, seed=1)
    best = [(toy_data / f"pieces/train.{language}").read_text().split("\n")[:-1] for language in LANGUAGES]
    assert lines_of(tmp_path / "a", 1) == best


@pytest.mark.slow
def test_epochs_take_the_copies_in_turn(toy_text, tmp_path):
    words = ["--source", toy_text[0], "--target", toy_text[1], "--valid", "20", "--test", "20", "--vocab-size", "80"]
    data, run = tmp_path / "data", tmp_path / "run"
    sse_nmt_here("prepare", "files", data, *words, "--max-ratio", "3", "--pairs", "60", "--sampled-copies", "2")
    manifest = read_json(data / "manifest.json")
    assert manifest["binary"] == ["bin", "copies/1", "copies/2"] and manifest["unknown"]["train"] == 0
    words = [*SMALLER, "--set", "optimization.max_epoch=4", "--set", "checkpoint.save_interval=1", "--updates", "1000"]
    done = sse_nmt("train", data, f"{ROOT}/configs/quickstart/baseline.yaml={run}", *words)
    assert done.returncode == 0, done.stderr
    loaded = re.findall(rf"{data}/(\S+)/train\.en-de\.en", (run / "train.log").read_text())
    assert loaded[:4] == ["bin", "copies/1", "copies/2", "bin"]
