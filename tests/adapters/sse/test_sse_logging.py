"""What the log says of SSE: how many ids it replaced, which loss is on which labels, who takes part."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path

import pytest
import torch
from fairseq.data import Dictionary
from fairseq_training import train

from sse_nmt.adapters.sse.installation import make_transition
from sse_nmt.system.atomic_files import read_lines, write_lines
from sse_nmt.system.errors import UserError


@pytest.fixture
def data(toy_data: Path) -> Path:
    return toy_data / "bin"


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    """The records of every interval."""
    return [json.loads(record.message) for record in caplog.records if record.name == "train_inner"]


def test_every_interval_says_how_many_ids_were_replaced(data, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        train(data, tmp_path, "--sse-prob-source", "1", "--sse-prob-target", "0.3", "--log-interval", "1", updates=8)
    records = logged(caplog)
    assert len(records) == 8
    for record in records:
        tokens, sentences = float(record["wpb"]), float(record["bsz"])
        assert float(record["sse_replaced_source"]) > 0
        assert 0 < float(record["sse_replaced_target"]) < tokens - sentences  # ends of sentences stay
    assert sum(float(r["sse_replaced_target"]) for r in records) == pytest.approx(
        0.3 * sum(float(r["wpb"]) - float(r["bsz"]) for r in records), rel=0.2
    )


def test_a_side_without_sse_is_said_to_be_without(data, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        train(data, tmp_path, "--sse-prob", "0", "--sse-prob-target", "0.1", "--log-interval", "1", updates=2)
    assert "SSE off, encoder: p0 = 0" in caplog.text and "SSE off, decoder" not in caplog.text
    assert "sse_replaced_source" not in logged(caplog)[0] and "sse_replaced_target" in logged(caplog)[0]


@pytest.mark.parametrize("criterion", ["label_smoothed_cross_entropy", "fused_label_smoothed_cross_entropy"])
def test_the_loss_on_gold_labels_stands_beside_that_on_replaced_ones(data, tmp_path, caplog, criterion):
    words = ["--sse-prob", "0", "--log-interval", "1", "--criterion", criterion, "--report-accuracy"]
    with caplog.at_level(logging.INFO):
        without = train(data, tmp_path / "without", *words, updates=1)
        (plain,) = logged(caplog)
        caplog.clear()
        train(data, tmp_path / "with", *words, "--sse-prob-label", "1", updates=1)
        (record,) = logged(caplog)
        caplog.clear()
        again = train(data, tmp_path / "again", *words, updates=1)
    # One update from the same parameters and masks: the gold loss is that of a training whose labels are not replaced.
    assert float(record["gold_nll_loss"]) == pytest.approx(float(plain["nll_loss"]), abs=2e-3)
    assert float(record["gold_ppl"]) == pytest.approx(2 ** float(plain["nll_loss"]), rel=2e-3)
    assert abs(float(record["nll_loss"]) - float(plain["nll_loss"])) > 0.01 and "gold_nll_loss" not in plain
    assert math.isfinite(float(record["accuracy"])) and all(
        torch.equal(without["model"][key], again["model"][key]) for key in without["model"]
    )


def test_the_criterion_says_its_own_name(data, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        train(
            data, tmp_path, "--criterion", "fused_label_smoothed_cross_entropy", "--loss-chunk-tokens", "64", updates=1
        )
    assert "criterion fused_label_smoothed_cross_entropy, logits in chunks of 64 tokens" in caplog.text


def test_pieces_of_the_other_language_are_counted_and_can_be_left_out(data, toy_data, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        train(data, tmp_path / "all", updates=1)
    assert caplog.text.count("pieces of the other language; --sse-candidates-source FILE leaves them out") == 1
    caplog.clear()
    files = [
        f"--sse-candidates-{side}={toy_data}/pieces/train.{lang}" for side, lang in (("source", "en"), ("target", "de"))
    ]
    with caplog.at_level(logging.INFO):
        train(data, tmp_path / "some", *files, updates=1)
    assert "pieces of the other language" not in caplog.text


def test_candidates_of_a_text(tmp_path, toy_data):
    dictionary = Dictionary.load(str(toy_data / "bin/dict.en.txt"))
    text = tmp_path / "text"
    write_lines(text, [" ".join(dictionary.symbols[4:9]), "nobody knows"])
    transition = make_transition(len(dictionary), 0.5, dictionary, "encoder", None, str(text))
    assert transition.candidates.tolist() == [4, 5, 6, 7, 8]
    write_lines(text, read_lines(text)[1:])
    with pytest.raises(UserError, match=rf"^{text} must hold at least two tokens of the dictionary, but holds 0\.$"):
        make_transition(len(dictionary), 0.5, dictionary, "encoder", None, str(text))
