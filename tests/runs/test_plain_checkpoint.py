"""Factorised checkpoints merged for those who know nothing of factors."""

from __future__ import annotations

import re
import shutil
from argparse import Namespace
from dataclasses import fields
from pathlib import Path

import ctranslate2
import pytest
import torch
from conftest import ROOT, SMALLER, MadeOnce, refused, run_command, sse_nmt, sse_nmt_here
from fairseq.tasks.translation import TranslationConfig
from fairseq_training import SHARED, SMALL_TRANSFORMER, train

from sse_nmt.evaluation.scoring import score
from sse_nmt.runs.checkpoints import load_checkpoint
from sse_nmt.system.atomic_files import read_lines
from sse_nmt.system.user_dir import USER_DIR

FACTORISED = {
    "low_rank_scale": "0.75", "low_rank_layers": '"ffn,embeddings,output"', "spectral_attention": "true",
    "frobenius_decay": "1e-4",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(toy_data: Path, made_once: MadeOnce) -> Path:
    def fill(folder: Path) -> None:
        words = [word for name, value in FACTORISED.items() for word in ("--set", f"task.{name}={value}")]
        system = f"{ROOT}/configs/quickstart/sse_se.yaml={folder / 'run'}"
        done = sse_nmt("train", toy_data, system, "--updates", "200", *SMALLER, *words)
        assert done.returncode == 0, done.stderr

    return made_once("toy-factorised-run", fill) / "run"


def best(run: Path) -> Path:
    return run / "checkpoints/checkpoint_best.pt"


def generated(data: Path, *words: str | Path) -> list[str]:
    """What `fairseq-generate` makes of the test text, in the order of the sentences."""
    all_of_them = ["--required-batch-size-multiple", "1"]  # by default fairseq leaves out a last batch of four
    done = run_command("fairseq-generate", str(data), *map(str, words), "--cpu", "--beam", "4", *all_of_them)
    assert done.returncode == 0, done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines() if line.startswith("H-")]
    return [pieces for _, _, pieces in sorted(lines, key=lambda line: int(line[0][2:]))]


def converted(data: Path, checkpoint: Path, folder: Path) -> list[str]:
    """What CTranslate2 makes of the test text after its own command, which knows nothing of us."""
    words = ["--model_path", checkpoint, "--data_dir", data / "bin", "--source_lang", "en", "--target_lang", "de"]
    done = run_command("ct2-fairseq-converter", *map(str, words), "--output_dir", str(folder))
    assert done.returncode == 0, done.stderr
    pieces = [line.split() for line in read_lines(data / "pieces/test.en")]
    results = ctranslate2.Translator(str(folder), device="cpu").translate_batch(pieces, beam_size=4)
    return [" ".join(result.hypotheses[0]) for result in results]


@pytest.mark.slow
def test_the_plain_task_translates_as_the_factorised_model_does(run, toy_data, tmp_path):
    plain = tmp_path / "plain.pt"
    done = sse_nmt("export", run, plain, "--merge-factors")
    assert (done.returncode, done.stdout) == (0, f"{plain}\n"), done.stderr
    assert "The factors of 7 layers were merged." in done.stderr
    data = toy_data / "bin"
    expected = generated(data, "--task", "translation", "--path", plain)  # knows nothing of us
    ours = ["--user-dir", USER_DIR, "--task", "translation_sse", "--path", best(run)]
    in_factors = ["--low-rank-scale", "0.75", "--low-rank-layers", "ffn,embeddings,output"]
    assert generated(data, *ours, *in_factors) == expected
    assert len(set(expected)) > 10, "the toy model should have learnt something, or this test shows little"
    assert converted(toy_data, plain, tmp_path / "ctranslate2") == expected


@pytest.mark.slow
def test_both_read_what_comes_of_fairseq_train(toy_data, tmp_path):
    """Its options are a Namespace, which torch loads for those alone who allow it."""
    low = ["--low-rank-scale", "0.75", "--low-rank-layers", "ffn,embeddings,output"]
    trained = train(toy_data / "bin", tmp_path, *SMALL_TRANSFORMER, *SHARED, *low, updates=250)
    assert isinstance(trained["cfg"]["model"], Namespace)
    plain = tmp_path / "plain.pt"
    sse_nmt_here("export", tmp_path / "checkpoint_last.pt", plain, "--merge-factors")
    expected = generated(toy_data / "bin", "--task", "translation", "--path", plain)
    assert converted(toy_data, plain, tmp_path / "ctranslate2") == expected
    assert len(set(expected)) > 10, "the toy model should have learnt something, or this test shows little"


def test_both_engines_translate_with_the_factorised_run_itself(run, toy_data, tmp_path):
    references, bleu = read_lines(toy_data / "text/test.de"), {}
    for engine in ("ctranslate2", "fairseq"):
        output = tmp_path / engine
        words = ["--input", toy_data / "text/test.en", "--output", output, "--engine", engine]
        sse_nmt_here("translate", run, *words)
        bleu[engine] = score(read_lines(output), references)["BLEU"]["score"]
    assert abs(bleu["ctranslate2"] - bleu["fairseq"]) < 0.1 and bleu["fairseq"] > 10


def test_what_is_in_it(run, tmp_path):
    sse_nmt_here("export", best(run), tmp_path / "plain.pt", "--merge-factors")
    before, after = load_checkpoint(best(run)), load_checkpoint(tmp_path / "plain.pt")
    factors, plain = before["model"], after["model"]
    u, v = factors["encoder.embed_tokens.table.weight"], factors["encoder.embed_tokens.projection"]
    torch.testing.assert_close(plain["encoder.embed_tokens.weight"], u @ v.T, rtol=0, atol=1e-6)
    u, v = (factors[f"decoder.layers.0.fc1.{name}"] for name in ("left", "right"))
    torch.testing.assert_close(plain["decoder.layers.0.fc1.weight"], u @ v.T, rtol=0, atol=1e-6)
    tied = ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "decoder.output_projection.weight"]
    assert len({plain[name].data_ptr() for name in tied}) == 1
    assert not [name for name in plain if re.search(r"\.(left|right|table\.weight|projection)$", name)]
    assert "last_optimizer_state" not in after and after["optimizer_history"] == before["optimizer_history"]
    assert after["cfg"]["task"]["_name"] == "translation"
    assert after["cfg"]["task"].keys() == {field.name for field in fields(TranslationConfig)}


def test_a_plain_run_becomes_a_checkpoint_of_the_plain_task(toy_runs, tmp_path):
    plain, run = tmp_path / "new" / "plain.pt", best(toy_runs["sse_se"])
    sse_nmt_here("export", run, plain)
    before, after = load_checkpoint(run), load_checkpoint(plain)
    assert before["cfg"]["task"]["_name"] == "translation_sse" and after["cfg"]["task"]["_name"] == "translation"
    assert before["model"].keys() == after["model"].keys()
    assert all(torch.equal(before["model"][name], tensor) for name, tensor in after["model"].items())
    assert plain.stat().st_size < 0.6 * run.stat().st_size


def test_refused_with_a_sentence_and_nothing_is_left(run, toy_runs, tmp_path, capsys):
    output, text = tmp_path / "plain.pt", tmp_path / "text.pt"
    text.write_text("no checkpoint")
    plain_run = toy_runs["baseline"]
    sentences = {
        (run,): f"{best(run)} has 7 factorised layers, which take `--merge-factors`.",
        (
            plain_run,
            "--merge-factors",
        ): f"`--merge-factors` must be for factorised layers, but {best(plain_run)} has none.",
        (tmp_path,): f"{tmp_path}/checkpoints/checkpoint_best.pt must be a checkpoint, but there is no such file.",
        (text,): f"{text} must be a checkpoint, but it is damaged or something else.",
    }
    for (path, *words), sentence in sentences.items():
        assert refused(capsys, "export", path, output, *words) == sentence
    assert sorted(tmp_path.iterdir()) == [text]


@pytest.mark.parametrize("name", ["checkpoints/checkpoint_best.pt", "checkpoints/checkpoint_last.pt", "run.json"])
def test_what_a_run_has_is_not_written_over(toy_runs, capsys, name):
    output = toy_runs["baseline"] / name
    before = output.read_bytes()
    said = refused(capsys, "export", toy_runs["baseline"], output)
    assert said == f"OUTPUT must be a new file, but {output} belongs to a run, which would lose it."
    assert output.read_bytes() == before


def test_another_program_s_run_json_further_up_is_nothing_to_us(toy_runs, tmp_path):
    (tmp_path / "run.json").write_text("{}")
    output = tmp_path / "my/exported/models/plain.pt"
    for _ in range(2):  # the second time it is there already
        sse_nmt_here("export", toy_runs["baseline"], output)
    assert load_checkpoint(output)["model"]


def test_a_checkpoint_is_not_exported_onto_itself(toy_runs, tmp_path, capsys):
    copied = shutil.copy(best(toy_runs["baseline"]), tmp_path / "copy.pt")
    (tmp_path / "link.pt").symlink_to(copied)
    before = copied.read_bytes()
    for output in (copied, tmp_path / "link.pt"):
        said = refused(capsys, "export", copied, output)
        assert said == f"OUTPUT must be another file than {copied}, which would lose its optimiser's state."
    assert copied.read_bytes() == before
