"""Averaging checkpoints: the mean by hand, and a checkpoint that translates."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from conftest import NO_OPTIONS, sse_nmt

from sse_nmt.runs.average import average_checkpoints, last_checkpoints, mean_parameters
from sse_nmt.runs.checkpoints import load_checkpoint
from sse_nmt.runs.options import AverageOptions
from sse_nmt.system.errors import UserError


@pytest.fixture
def run(toy_runs: dict[str, Path], tmp_path: Path) -> Path:
    """A run with three numbered checkpoints whose parameters are 1, 2 and 6 times those of the trained model."""
    folder = Path(shutil.copytree(toy_runs["baseline"], tmp_path / "run"))
    state = load_checkpoint(folder / "checkpoints/checkpoint_last.pt")
    for name, factor in (("checkpoint_1_90", 1), ("checkpoint_2_100", 2), ("checkpoint_2_110", 6)):
        scaled = {key: value * factor for key, value in state["model"].items()}
        torch.save({**state, "model": scaled}, folder / f"checkpoints/{name}.pt")
    return folder


def test_the_mean_of_the_last(run):
    path = average_checkpoints(run, AverageOptions(last=3))
    assert path == run / "checkpoints/checkpoint_average.pt"
    trained, average = (load_checkpoint(run / f"checkpoints/checkpoint_{name}.pt") for name in ("last", "average"))
    for key, value in trained["model"].items():
        torch.testing.assert_close(average["model"][key], 3 * value)
        assert average["model"][key].dtype == value.dtype
    assert "last_optimizer_state" in trained and "last_optimizer_state" not in average


def test_the_last_are_those_of_most_updates(run):
    assert [path.name for path in last_checkpoints(run / "checkpoints", 2)] == [
        "checkpoint_2_100.pt", "checkpoint_2_110.pt"
    ]  # fmt: skip


def test_without_updates_in_their_names_epochs_count(tmp_path):
    for epoch in (9, 10, 11):
        (tmp_path / f"checkpoint{epoch}.pt").touch()
    assert [path.name for path in last_checkpoints(tmp_path, 2)] == ["checkpoint10.pt", "checkpoint11.pt"]


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_double_and_its_mean_is_single(tmp_path, kind):
    values = torch.tensor([2048.0, 2.0]).to(kind), torch.tensor([1.0, 3.0]).to(kind)
    for number, value in enumerate(values):
        torch.save({"model": {"w": value, "n": torch.tensor(number)}, "cfg": NO_OPTIONS}, tmp_path / f"{number}.pt")
    mean = mean_parameters([tmp_path / "0.pt", tmp_path / "1.pt"])
    assert mean["w"].tolist() == [1024.5, 2.5] and mean["w"].dtype == torch.float32 and mean["n"] == 1


def test_an_average_translates(run):
    done = sse_nmt("average", run, "--last", "1")
    assert done.returncode == 0 and done.stdout == f"{run}/checkpoints/checkpoint_average.pt\n", done.stderr
    assert "Averaged checkpoint_2_110.pt." in done.stderr


def test_what_cannot_be_averaged_is_said(run, tmp_path):
    for options, sentence in [
        (AverageOptions(last=0), "`--last` must be at least 1, but is 0 instead."),
        (
            AverageOptions(last=4),
            f"{run}/checkpoints must hold 4 checkpoints to average, but holds 3 (fairseq writes none of an "
            "update that ends an epoch, so that the interval must not divide an epoch's updates).",
        ),
        *(
            (
                AverageOptions(output=name),
                "`--output` must be a file name that ends in .pt and is none of fairseq's own, but is "
                f"{name!r} instead.",
            )
            for name in (
                "checkpoint_1_90.pt",
                "checkpoint3.pt",
                "checkpoint_best.pt",
                "checkpoint_last.pt",
                "checkpoint.best_bleu_20.1.pt",
                "checkpoint_last-shard0.pt",
                "../average.pt",
                "average",
            )  # fmt: skip
        ),
    ]:
        with pytest.raises(UserError) as error:
            average_checkpoints(run, options)
        assert str(error.value) == sentence
    with pytest.raises(UserError, match="must be a run folder, but holds no run.json"):
        average_checkpoints(tmp_path, AverageOptions())
    other = run / "checkpoints/checkpoint_3_120.pt"
    torch.save({"model": {"w": torch.zeros(1)}, "cfg": NO_OPTIONS}, other)
    with pytest.raises(UserError, match="checkpoint_3_120.pt must have the parameters of .*, but has others"):
        average_checkpoints(run, AverageOptions(last=2))
    other.write_bytes(b"PK")
    with pytest.raises(UserError, match="must be a checkpoint, but it is damaged"):
        average_checkpoints(run, AverageOptions(last=2))
    assert not (run / "checkpoints/checkpoint_average.pt").exists()


def test_what_is_tied_stays_tied(tmp_path):
    for number in range(2):
        table = torch.full((3, 2), float(number))
        torch.save(
            {"model": {"a": table, "b": table, "rows": table[:2], "c": table.clone()}, "cfg": NO_OPTIONS},
            tmp_path / f"{number}.pt",
        )
    mean = mean_parameters([tmp_path / "0.pt", tmp_path / "1.pt"])
    assert mean["a"].data_ptr() == mean["b"].data_ptr() != mean["c"].data_ptr()
    for key, shape in {"a": (3, 2), "b": (3, 2), "rows": (2, 2), "c": (3, 2)}.items():
        assert torch.equal(mean[key], torch.full(shape, 0.5))
