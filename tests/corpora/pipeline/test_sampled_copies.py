"""Copies of the training text, segmented at random: the same text, other pieces, an epoch each."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT, SMALLER, read_json, refused, sse_nmt, sse_nmt_here

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
    counts = write_copies(texts, tmp_path / "a", LANGUAGES, model, 2, 0.1, 250, seed=1)
    write_copies(texts, tmp_path / "b", LANGUAGES, model, 2, 0.1, 250, seed=1)
    write_copies(texts, tmp_path / "c", LANGUAGES, model, 1, 0.1, 250, seed=2)
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
    write_copies(texts, tmp_path / "a", LANGUAGES, model, 1, 0.1, 1, seed=1)
    best = [(toy_data / f"pieces/train.{language}").read_text().split("\n")[:-1] for language in LANGUAGES]
    assert lines_of(tmp_path / "a", 1) == best


def test_the_smaller_alpha_the_more_pieces_and_how_many_is_said(toy_text, tmp_path, capsys):
    words = ["--source", toy_text[0], "--target", toy_text[1], "--valid", "20", "--test", "20", "--vocab-size", "80"]
    words += ["--max-ratio", "3", "--pairs", "60", "--sampled-copies", "2", "--sampled-alpha"]
    times = []
    for alpha in ("0", "0.5", "1"):
        sse_nmt_here("prepare", "files", tmp_path / alpha, *words, alpha)
        said = re.search(r"^A copy has ([\d.]+) times as many pieces as ", capsys.readouterr().err, re.MULTILINE)
        assert said is not None
        counts = [
            sum(len(line.split()) for line in (tmp_path / alpha / file).read_text().split("\n"))
            for file in (
                "pieces/train.en",
                "pieces/train.de",
                "copies/1.en",
                "copies/1.de",
                "copies/2.en",
                "copies/2.de",
            )
        ]
        assert float(said[1]) == pytest.approx(sum(counts[2:]) / 2 / sum(counts[:2]), abs=0.006)
        times.append(float(said[1]))
    assert times[0] > times[1] > times[2] > 1
    sentence = refused(capsys, "prepare", "files", tmp_path / "1", *words, "0.5")
    assert sentence == (
        f"{tmp_path}/1 was prepared with `--sampled-alpha` 1.0, not 0.5: choose another folder or remove this one."
    )


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
