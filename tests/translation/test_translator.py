"""Translating with trained models through both engines, and what is refused."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from conftest import read_json, refused, sse_nmt

from sse_nmt.evaluation.scoring import score
from sse_nmt.runs.checkpoints import load_checkpoint
from sse_nmt.system.atomic_files import read_lines, write_json
from sse_nmt.translation.options import SearchOptions
from sse_nmt.translation.translator import Translator, parts_of


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


@pytest.mark.parametrize("engine", ["ctranslate2", "fairseq"])
def test_one_line_in_one_line_out_whatever_it_holds(run, engine, capsys):
    """And one line never costs another: that of 3,000 words is translated in parts."""
    good = ["The old dog is here.", "The red house is far away."]
    odd = [
        "",
        " ",
        "\u2028",
        "\x85",
        "a\x0bb",
        "\ufeff",
        "\u200d",
        "<unk> </s>",
        "▁",
        "😀 " * 3,
        "the old dog is here. " * 600,
    ]
    lines = [line for each in odd for line in (good[0], each, good[1])]
    options = SearchOptions(engine=engine, beam=1)
    translator = Translator(run, options)
    found = translator.translate(lines)
    assert len(found) == len(lines) and not any("\n" in line for line in found)
    assert set(zip(found[::3], found[2::3], strict=True)) == {tuple(translator.translate(good))}
    assert found[1] == found[4] == found[7] == "" and len(found[-2].split()) > 200
    assert f"Line {len(lines) - 1} is too long for the model and translated in parts." in capsys.readouterr().err


def test_a_translation_that_may_be_cut_is_said(run, capsys):
    Translator(run, SearchOptions(max_length=3)).translate(["The old dog is here.", "", "The red house is far away."])
    said = capsys.readouterr().err
    assert "Lines 1, 3 are translated into 3 pieces, the most that `--max-length` allows, and may be cut." in said


def test_a_line_is_cut_at_a_sentence_or_a_word():
    words = [f"▁w{i}" for i in range(10)]
    assert parts_of(words, 4) == [words[:4], words[4:8], words[8:]]
    assert parts_of(["▁a", "b", "▁c", "d.", "▁e", "f", "▁g"], 5) == [["▁a", "b", "▁c", "d."], ["▁e", "f", "▁g"]]
    assert parts_of(["▁a", "b", "c", "d", "e"], 2) == [["▁a", "b"], ["c", "d"], ["e"]]
    assert parts_of([], 5) == [] and parts_of(["▁a"], 1) == [["▁a"]]


@pytest.mark.parametrize("engine", ["ctranslate2", "fairseq"])
def test_as_many_positions_as_the_model_has(run, engine, toy_data, capsys):
    words = ["--engine", engine, "--input", toy_data / "text/test.en"]
    assert refused(capsys, "translate", run, *words, "--max-length", "3000") == (
        f"`--max-length` must be at most 1,023, the positions of {run} without the end of the sentence, but is 3,000 "
        f"instead."
    )
    assert (
        len(Translator(run, SearchOptions(engine=engine, max_length=1023, beam=1)).translate(["the old dog " * 300]))
        == 1
    )


def test_several_first_translations_of_a_run_at_once(copied):
    """The conversion is made once, under a lock."""
    shutil.rmtree(copied / "ctranslate2")
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: sse_nmt("translate", copied, input="The old dog is here.\n"), range(3)))
    assert [each.returncode for each in done] == [0, 0, 0], done[-1].stderr
    assert len({each.stdout for each in done}) == 1 and not list(copied.glob("*.part"))


def test_utf_8_whatever_the_locale(run):
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
        "PYTHONIOENCODING": "ascii",
    }
    done = sse_nmt("translate", run, input="The quiet bird is beautiful.\n", env=environment, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    done = sse_nmt("graph", "show", "--help", env=environment, encoding="utf-8")
    assert done.returncode == 0 and "▁" in done.stdout


def test_no_text_no_translation(run):
    done = sse_nmt("translate", run, input="")
    assert (done.returncode, done.stdout) == (0, "")


def test_evaluate_writes_what_it_prints(run, toy_data):
    result = read_json(run / "scores/test.json")
    assert result["sentences"] == 20 and result["search"]["beam"] == 5
    assert read_lines(run / "scores/test.ref") == read_lines(toy_data / "text/test.de")
    for name, entry in score(read_lines(run / "scores/test.hyp"), read_lines(run / "scores/test.ref")).items():
        assert result["scores"][name] == {"score": pytest.approx(entry["score"]), "signature": entry["signature"]}
    assert (run / "scores/test.stats.npz").is_file()


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
    of_an_earlier_version(run)
    path = run / "text/dict.en.txt"
    entries = len(path.read_text(encoding="utf-8").splitlines())
    with open(path, "a", encoding="utf-8") as file:
        file.write("more 1\n")
    rows = load_checkpoint(run / "checkpoints/checkpoint_best.pt")["model"]["encoder.embed_tokens.weight"].shape[0]
    checkpoint = run / "checkpoints/checkpoint_best.pt"
    return f"{path} must fit {checkpoint}, whose encoder has {rows} embeddings, but has {entries + 5} entries instead."


def no_run(run: Path) -> str:
    (run / "run.json").unlink()
    return f"{run} must be a run folder, but holds no run.json."


def changed_text(run: Path) -> str:
    (run / "text/sentencepiece.model").write_bytes(b"nothing")
    return (
        f"{run}/text must hold the pieces, dictionaries and texts of its training, but something of it was changed or "
        "is gone: copy it from where it is whole, or train again."
    )


def of_an_earlier_version(run: Path) -> None:
    """Which did not record what its text was."""
    record = read_json(run / "run.json")
    write_json(run / "run.json", {key: value for key, value in record.items() if key != "text"})


def no_pieces(run: Path) -> str:
    of_an_earlier_version(run)
    (run / "text/sentencepiece.model").write_bytes(b"nothing")
    return f"{run}/text/sentencepiece.model must be a SentencePiece model, but cannot be read as one."


@pytest.mark.parametrize("engine", ["ctranslate2", "fairseq"])
@pytest.mark.parametrize(
    "spoil", [spoil_checkpoint, remove_checkpoint, other_file, other_dictionary, no_run, no_pieces, changed_text]
)
def test_a_spoilt_run_is_refused_with_one_sentence(copied, spoil, engine, toy_data, capsys):
    sentence = spoil(copied)
    words = ["--engine", engine, "--input", toy_data / "text/test.en"]
    assert refused(capsys, "translate", copied, *words) == sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--beam", "0"], "`--beam` must be at least 1, but is 0 instead."),
        (["--engine", "moses"], "`--engine` must be one of ctranslate2, fairseq, but is 'moses' instead."),
        (["--compute-type", "int3"], "CTranslate2 cannot load the model on cpu: Invalid compute type: int3"),
        (["--input", sys.executable], f"{sys.executable} must be UTF-8 text, but its byte"),
        (["--input", "nothing"], "nothing cannot be read or written: No such file or directory."),
    ],
)
def test_options_are_refused_with_one_sentence(run, words, sentence, toy_data, capsys):
    words = ["--input", toy_data / "text/test.en", *words]
    assert refused(capsys, "translate", run, *words).startswith(sentence)


@pytest.mark.parametrize(
    ("options", "device", "tokens"),
    [
        ({}, "cpu", 1024),
        ({"compute_type": "int8"}, "cpu", 512),
        ({"compute_type": "int8_float32"}, "cpu", 512),
        ({"compute_type": "int8"}, "cuda", 4096),
        ({"engine": "fairseq"}, "cpu", 4096),
        ({"batch_tokens": 7, "compute_type": "int8"}, "cpu", 7),
    ],
)
def test_how_much_is_translated_at_a_time(options, device, tokens):
    assert SearchOptions(**options).batch(device) == tokens
