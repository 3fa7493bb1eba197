"""fairseq's and CTranslate2's own commands on SSE checkpoints, typed as a user would."""

from __future__ import annotations

import re
from pathlib import Path

import ctranslate2
import pytest
from conftest import ROOT, run_command
from fairseq_training import SHARED, SMALL_TRANSFORMER, train

from sse_nmt.methods.sse import SSEEmbedding
from sse_nmt.system.atomic_files import read_lines
from sse_nmt.system.user_dir import USER_DIR

PLUGIN = ["--user-dir", str(ROOT / "sse_nmt")]
TRAINING = [
    *SMALL_TRANSFORMER, *SHARED, "--task", "translation_sse", "--sse-prob", "0.1", "--criterion",
    "fused_label_smoothed_cross_entropy", "--label-smoothing", "0.1", "--loss-chunk-tokens", "50",
    "--optimizer", "adam", "--lr", "0.005", "--max-tokens", "200", "--no-epoch-checkpoints", "--cpu",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(toy_data: Path) -> Path:
    return toy_data / "bin"


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a training by command line, validation included."""
    folder = tmp_path_factory.mktemp("trained")
    words = [str(data), *PLUGIN, *TRAINING, "--max-update", "60", "--save-dir", str(folder)]
    done = run_command("fairseq-train", *words)
    assert done.returncode == 0, done.stderr
    assert "SSE-SE, encoder: p0 = 0.1 over " in done.stdout + done.stderr
    return folder / "checkpoint_best.pt"


@pytest.mark.slow
def test_generate_with_the_plain_task(trained, data):
    words = ["--task", "translation", "--path", str(trained), "--cpu", "--required-batch-size-multiple", "1"]
    done = run_command("fairseq-generate", str(data), *PLUGIN, *words)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^H-\d+\t", done.stdout, re.MULTILINE)) == 20


def test_interactive_gives_the_same_for_the_same(trained, data, toy_data):
    text = "\n".join(read_lines(toy_data / "pieces/test.en")[:5] * 2) + "\n"
    words = [str(data), *PLUGIN, "--task", "translation_sse", "--path", str(trained), "--cpu"]
    done = run_command("fairseq-interactive", *words, input=text)
    assert done.returncode == 0, done.stderr
    hypotheses = re.findall(r"^H-\d+\t(.*)$", done.stdout, re.MULTILINE)
    assert len(hypotheses) == 10 and hypotheses[:5] == hypotheses[5:]


def test_validate_never_perturbs(trained, data):
    """The same loss with SSE's task as with the plain one."""
    losses = set()
    for task in ("translation_sse", "translation"):
        words = [str(data), *PLUGIN, "--task", task, "--path", str(trained), "--valid-subset", "valid"]
        done = run_command("fairseq-validate", *words, "--max-tokens", "400", "--cpu", "--log-format", "json")
        assert done.returncode == 0, done.stderr
        losses.add(re.search(r'"valid_loss": "([\d.]+)"', done.stdout + done.stderr)[1])
    assert len(losses) == 1


@pytest.mark.slow
def test_ctranslate2_converts(trained, data, tmp_path):
    words = ["--model_path", str(trained), "--data_dir", str(data), "--user_dir", USER_DIR]
    done = run_command("ct2-fairseq-converter", *words, "--source_lang", "en", "--target_lang", "de", "--output_dir",
                       str(tmp_path / "model"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    translator = ctranslate2.Translator(str(tmp_path / "model"), device="cpu")
    assert translator.translate_batch([["▁The", "▁"]])[0].hypotheses


def test_validation_inside_a_training_does_not_draw(data, tmp_path, monkeypatch):
    modes = set()
    forward = SSEEmbedding.forward

    def recorded(embedding, ids):
        vectors = forward(embedding, ids)
        modes.add((embedding.training, vectors.equal(embedding.weight[ids])))
        return vectors

    monkeypatch.setattr(SSEEmbedding, "forward", recorded)
    train(data, tmp_path, "--sse-prob", "1", updates=22, validate=True)
    assert modes == {(True, False), (False, True)}
