"""The table of an example's runs, on numbers by hand."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from runs import read_runs, save_run, start, table

from sse_nmt.system.errors import UserError


def kept(folder: Path, system: str, seed: int, **units) -> None:
    save_run(argparse.Namespace(system=system, seed=seed, output=folder), units, [3.0, 1.0, 2.0])


def test_scores_means_and_differences(tmp_path, capsys):
    dice = np.random.default_rng(1)
    for seed in (1, 2, 3):
        for system, error in (("plain", 1.0), ("better", 0.25)):
            sums = torch.from_numpy(error + 0.01 * dice.standard_normal(50))
            kept(tmp_path, system, seed, RMSE=(sums * 2, torch.full((50,), 2.0)))
    assert "plain, seed 1: RMSE 0.9998; best of 3 validations 1.0000\n" in capsys.readouterr().out
    header, _, plain, better = table(tmp_path, "plain").splitlines()
    assert header == "| system | runs | RMSE | Δ RMSE | 95 % interval | p |"
    assert plain.startswith("| plain | 3 | 0.999") and plain.endswith("|  |  |  |")
    cells = [cell.strip() for cell in better.split("|")]
    assert float(cells[4]) == pytest.approx(-0.5, abs=0.01) and cells[6] == "0.000"


def test_perplexity_is_of_all_pieces_and_more_is_better_for_others(tmp_path, capsys):
    kept(tmp_path, "plain", 1, perplexity=(torch.tensor([2.0, 6.0]), torch.tensor([1.0, 3.0])))
    assert f"perplexity {math.exp(2):.4f}" in capsys.readouterr().out
    kept(tmp_path, "other", 1, accuracy=(torch.tensor([1.0, 0.0]), torch.ones(2)))
    assert "accuracy 0.5000; best of 3 validations 3.0000" in capsys.readouterr().out
    assert set(read_runs(tmp_path)) == {"plain", "other"}


def test_without_the_baseline_there_is_no_table(tmp_path):
    kept(tmp_path, "other", 1, accuracy=(torch.ones(2), torch.ones(2)))
    with pytest.raises(SystemExit, match="must hold runs of plain, but holds those of other"):
        table(tmp_path, "plain")


def test_runs_of_other_units_are_not_compared(tmp_path):
    kept(tmp_path, "plain", 1, accuracy=(torch.ones(2), torch.ones(2)))
    kept(tmp_path, "other", 1, accuracy=(torch.ones(3), torch.ones(3)))
    with pytest.raises(SystemExit, match="must hold runs of the same metrics on the same units"):
        table(tmp_path, "plain")


def test_what_cannot_be_is_a_sentence():
    def main() -> None:
        raise UserError("`x` must be y, but is z instead.")

    with pytest.raises(SystemExit, match=": `x` must be y, but is z instead.$"):
        start(main)


@pytest.mark.parametrize("folder", sorted((ROOT / "results/paper_tables").iterdir()), ids=lambda path: path.name)
def test_the_page_has_the_tables_of_what_is_kept(folder):
    page = (ROOT / "docs/methods/beyond-translation.md").read_text(encoding="utf-8")
    assert table(folder, "plain") in page, f"run examples/runs.py {folder}"
