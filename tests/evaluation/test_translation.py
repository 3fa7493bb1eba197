"""Translating with trained models through both engines, and what is refused."""

from __future__ import annotations

import logging
import shutil
import sys
from pathlib import Path

import pytest
import torch
from conftest import refused, sse_nmt

from sse_nmt.atomic_files import read_json, read_lines, write_json
from sse_nmt.checkpoints import load_checkpoint
from sse_nmt.evaluation.options import SearchOptions
from sse_nmt.evaluation.scoring import score
from sse_nmt.evaluation.translation import Translator


@pytest.fixture(scope="module")
def run(toy_runs: dict[str, Path]) -> Path:
    return toy_runs["sse_se"]


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    """A run folder to spoil."""
    return Path(shutil.copytree(run, tmp_path / "run"))


def test_both_engines_agree(run, toy_data, tmp_path):
    source = toy_data / "text/test.en"
    references = read_lines(toy_data / "text/test.de")
    bleu = {}
    for engine in ("ctranslate2", "fairseq"):
        output = tmp_path / engine
        done = sse_nmt("translate", run, "--input", source, "--output", output, "--engine", engine)
        assert done.returncode == 0, done.stderr
        bleu[engine] = score(read_lines(output), references)["BLEU"]["score"]
    assert abs(bleu["ctranslate2"] - bleu["fairseq"]) < 0.1
    assert bleu["fairseq"] > 20, "the toy model should have learnt something, or this test shows little"


def test_fairseq_may_speak_again_once_a_model_is_converted(copied, caplog):
    shutil.rmtree(copied / "ctranslate2")
    caplog.set_level("DEBUG", logger="fairseq")
    Translator(copied, SearchOptions())
    assert (copied / "ctranslate2").is_dir()
    assert logging.getLogger("fairseq").level == logging.DEBUG


def test_text_through_pipes_keeps_every_line(run):
    done = sse_nmt("translate", run, input="The old dog is here.\n\n  \nThe red house is far away.\n")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n")
    assert len(lines) == 5 and lines[1] == lines[2] == lines[4] == ""
    assert lines[0] and lines[3] and "▁" not in done.stdout


def test_no_text_no_translation(run):
    done = sse_nmt("translate", run, input="")
    assert (done.returncode, done.stdout) == (0, "")


def test_evaluate_writes_what_it_prints(run, toy_data):
    result = read_json(run / "scores/test.json")
    assert result["sentences"] == 20 and result["search"]["beam"] == 5
    assert read_lines(run / "scores/test.ref") == read_lines(toy_data / "text/test.de")
    assert result["scores"] == score(read_lines(run / "scores/test.hyp"), read_lines(run / "scores/test.ref"))


def test_evaluating_twice_gives_the_same(run):
    before = (run / "scores/test.hyp").read_bytes()
    assert sse_nmt("evaluate", run).returncode == 0
    assert (run / "scores/test.hyp").read_bytes() == before


def test_a_training_that_stopped_early_is_said_to_have(copied, capsys):
    record = read_json(copied / "run.json")
    write_json(copied / "run.json", {**record, "status": "interrupted"})
    Translator(copied, SearchOptions())
    assert capsys.readouterr().err == (
        f"{copied} is not finished: what it translates is of a training that stopped early, or goes on.\n"
    )


def test_evaluate_files(tmp_path):
    (tmp_path / "hyp").write_text("Das Haus ist alt .\n")
    (tmp_path / "ref").write_text("Das Haus ist alt .\nDer Hund ist hier .\n")
    good = sse_nmt("evaluate", "--hypotheses", tmp_path / "ref", "--reference", tmp_path / "ref")
    assert good.returncode == 0 and "nrefs:1" in good.stdout
    bad = sse_nmt("evaluate", "--hypotheses", tmp_path / "hyp", "--reference", tmp_path / "ref")
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr == (f"sse-nmt: {tmp_path}/hyp must have as many lines as {tmp_path}/ref, 2, but has 1 instead.\n")


def spoil_checkpoint(run: Path) -> str:
    path = run / "checkpoints/checkpoint_best.pt"
    path.write_bytes(path.read_bytes()[:5000])
    return f"{path} must be a checkpoint, but it is damaged or something else."


def remove_checkpoint(run: Path) -> str:
    path = run / "checkpoints/checkpoint_best.pt"
    path.unlink()
    return f"{path} must be a checkpoint, but there is no such file."


def other_file(run: Path) -> str:
    path = run / "checkpoints/checkpoint_best.pt"
    torch.save({"something": 1}, path)
    return f"{path} must be a fairseq checkpoint, but holds no model."


def other_dictionary(run: Path) -> str:
    path = run / "text/dict.en.txt"
    entries = len(path.read_text(encoding="utf-8").splitlines())
    with open(path, "a", encoding="utf-8") as file:
        file.write("more 1\n")
    rows = load_checkpoint(run / "checkpoints/checkpoint_best.pt")["model"]["encoder.embed_tokens.weight"].shape[0]
    checkpoint = run / "checkpoints/checkpoint_best.pt"
    return f"{path} must fit {checkpoint}, whose encoder has {rows} embeddings, but has {entries + 5} entries instead."


def no_run(run: Path) -> str:
    (run / "run.json").unlink()
    return f"{run} must belong to a run folder, but holds no run.json."


def no_pieces(run: Path) -> str:
    (run / "text/sentencepiece.model").write_bytes(b"nothing")
    return f"{run}/text/sentencepiece.model must be a SentencePiece model, but cannot be read as one."


@pytest.mark.parametrize("engine", ["ctranslate2", "fairseq"])
@pytest.mark.parametrize(
    "spoil", [spoil_checkpoint, remove_checkpoint, other_file, other_dictionary, no_run, no_pieces]
)
def test_a_spoilt_run_is_refused_with_one_sentence(copied, spoil, engine, toy_data, capsys):
    sentence = spoil(copied)
    words = ["--engine", engine, "--input", toy_data / "text/test.en"]
    assert refused(capsys, "translate", copied, *words) == sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--beam", "0"], "`--beam` must be at least 1, but is 0 instead."),
        (["--engine", "moses"], "The engine must be one of ctranslate2, fairseq, but is 'moses' instead."),
        (["--compute-type", "int3"], "CTranslate2 cannot load the model on cpu: Invalid compute type: int3"),
        (["--input", sys.executable], f"{sys.executable} must be UTF-8 text, but its byte"),
        (["--input", "nothing"], "nothing cannot be read or written: No such file or directory."),
    ],
)
def test_options_are_refused_with_one_sentence(run, words, sentence, toy_data, capsys):
    words = ["--input", toy_data / "text/test.en", *words]
    assert refused(capsys, "translate", run, *words).startswith(sentence)
