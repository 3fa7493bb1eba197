"""Runs along a knowledge graph: where its file is looked for, and that a run goes on along the same one only."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT, read_json

from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.system.atomic_files import write_json
from sse_nmt.system.errors import UserError
from sse_nmt.training.configuration import GRAPHS, run_configuration

CONFIG = ROOT / "configs/quickstart/sse_graph.yaml"

MANIFEST = {"options": {"source_lang": "en", "target_lang": "de"}, "pairs": {"train": 9}, "fingerprint": "f"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data/bin").mkdir(parents=True)
    (tmp_path / "data/graph.npz").write_bytes(b"one")
    write_json(tmp_path / "data/manifest.json", MANIFEST)
    return tmp_path / "data"


def test_the_graph_stands_beside_the_data_by_its_absolute_path(data):
    configuration = run_configuration(CONFIG, data, None, None, [])
    assert [configuration.task[key.removeprefix("task.")] for key in GRAPHS] == [str(data / "graph.npz")] * 2


def test_a_relative_path_is_relative_to_where_the_command_is_given(data, monkeypatch):
    monkeypatch.chdir(data)
    configuration = run_configuration(CONFIG, data, None, None, ["task.sse_graph_target=graph.npz"])
    assert configuration.task.sse_graph_target == str(data / "graph.npz")
    configuration = run_configuration(CONFIG, data, None, None, ["task.sse_graph_target=null"])
    assert configuration.task.sse_graph_target is None


def test_a_graph_that_is_not_there(data):
    (data / "graph.npz").unlink()
    with pytest.raises(UserError) as error:
        run_configuration(CONFIG, data, None, None, [])
    assert str(error.value) == (
        f"`task.sse_graph_source` must be a file of `sse-nmt graph build`, but there is no {data}/graph.npz."
    )


def test_a_run_goes_on_along_the_same_graph_wherever_that_is_now(data, tmp_path):
    run, configuration = RunFolder(tmp_path / "run"), run_configuration(CONFIG, data, None, None, [])
    (data / "bin/dict.en.txt").touch()
    (data / "bin/dict.de.txt").touch()
    for name in (
        "sentencepiece.model",
        *(f"text/{part}.{lang}" for part in ("valid", "test") for lang in ("en", "de")),
    ):
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).touch()
    write_json(data / "manifest.json", MANIFEST)
    run.begin("sse_graph", configuration, configuration, [], data)
    assert read_json(run.path / "run.json")["graphs"].keys() == set(GRAPHS)
    run.check_same(configuration, data)
    moved = data.rename(tmp_path / "moved")
    run.check_same(run_configuration(CONFIG, moved, None, None, []), moved)
    (moved / "graph.npz").write_bytes(b"other")
    with pytest.raises(UserError) as error:
        run.check_same(run_configuration(CONFIG, moved, None, None, []), moved)
    assert str(error.value) == (
        f"{run.path} holds a run with another file as `task.sse_graph_source`: "
        "choose another folder (`--overwrite` discards what this one holds)."
    )
