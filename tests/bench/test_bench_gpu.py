"""What a GPU's owner runs is tried on the CPU, so that it works when it is needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from conftest import refused, sse_nmt_here

from sse_nmt.bench.gpu_check import draws, losses, trainings
from sse_nmt.bench.gpu_check.findings import Finding, Report

SMALL = ("--layers", "1", "--embed-dim", "16", "--heads", "2", "--vocab-size", "120", "--rounds", "2", "--cpu")


@pytest.fixture
def small_text(monkeypatch):
    monkeypatch.setattr(trainings, "_PAIRS", 500)
    monkeypatch.setattr(trainings, "_PIECES", 200)
    monkeypatch.setattr(draws, "_DRAWS", 200_000)
    monkeypatch.setattr(draws, "_CALLS", 5)
    monkeypatch.setattr(draws, "_WIDTH", 16)


@pytest.mark.slow
def test_the_parts_run_and_end_in_one_file(tmp_path, small_text, capsys):
    sse_nmt_here("bench", "gpu", *SMALL, "--tokens", "130", "--updates", "8", "--output", tmp_path)
    told = json.loads((tmp_path / "gpu_check.json").read_text())
    assert told["machine"]["torch"] == torch.__version__ and " cores, " in told["machine"]["processor"]
    findings = [Finding(**finding) for finding in told["findings"]]
    assert {finding.part for finding in findings} == {"draw", "loss", "attention", "step", "training"}
    assert not [finding for finding in findings if finding.passed is False]
    resumed = findings[-1]
    assert resumed.line == "fp32, started again" and resumed.figures["largest difference"] == "0"
    assert capsys.readouterr().out.strip() == (tmp_path / "gpu_check.md").read_text().strip()


def test_what_a_part_raises_is_a_failed_line_and_the_next_one_runs(tmp_path):
    report = Report(tmp_path, {"device": "none"})

    def broken():
        yield Finding("one", "first", True)
        raise RuntimeError("CUDA error: out of luck\nand more")

    report.collect("one", broken)
    report.collect("two", lambda: iter([Finding("two", "a figure", None, {"ms": 1.23456})]))
    assert [finding.line for finding in report.failed] == ["ended early"]
    page = (tmp_path / "gpu_check.md").read_text()
    assert "RuntimeError: CUDA error: out of luck" in page and "and more" not in page and "1.235" in page


def test_a_wrong_gradient_is_a_failed_line(monkeypatch):
    monkeypatch.setattr(losses, "fused", lambda *inputs: 1.01 * losses.fairseqs(*inputs))
    found = {each.line: each.passed for each in losses.check_losses(torch.device("cpu"), 100, 8, 130, 2, seed=1)}
    assert found["ours, whole, float32"] is False and found["ours, chunks of 512, float32"] is True


@pytest.mark.slow
def test_what_is_asked_for_is_checked(tmp_path, small_text):
    sse_nmt_here("bench", "gpu", *SMALL, "--tokens", "130", "--parts", "loss,step", "--output", tmp_path)
    findings = json.loads((tmp_path / "gpu_check.json").read_text())["findings"]
    assert {finding["part"] for finding in findings} == {"loss", "step"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
def test_without_a_gpu_it_says_so(capsys, tmp_path: Path):
    assert refused(capsys, "bench", "gpu", "--output", tmp_path / "out") == (
        "PyTorch must see a GPU, but sees none; `--cpu` tries the parts on the CPU."
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words", [("--tokens", "100"), ("--tokens", "3584;25000"), ("--heads", "3"), ("--parts", "draw,rest")]
)
def test_bad_sizes_and_parts_are_refused(capsys, words):
    assert "must be" in refused(capsys, "bench", "gpu", "--cpu", *words)
