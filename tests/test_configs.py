"""fairseq-hydra-train takes every configuration, and the systems of an experiment differ in the task alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import torch
from conftest import ROOT, run_command
from omegaconf import OmegaConf

from sse_nmt.graphs.graph_file import GraphFile, save_graph
from sse_nmt.methods.sse import KnowledgeGraph
from sse_nmt.studies.cells import cells_of
from sse_nmt.studies.specification import read_study
from sse_nmt.text.dictionary import Vocabulary
from sse_nmt.training.configuration import read_configuration, run_configuration

STUDIES = sorted((ROOT / "configs/studies").glob("*.yaml"))
CONFIGS = sorted(set((ROOT / "configs").rglob("*.yaml")) - set(STUDIES))


def test_there_are_some():
    assert {path.name for path in CONFIGS} >= {"baseline.yaml", "sse_se.yaml"}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_studies_are_read_and_name_themselves(path, tmp_path):
    study = read_study(path)
    cells = cells_of(study, tmp_path)
    assert len(cells) == len(study.corpora) * len(study.systems) * len(study.seeds)
    for cell in cells_of(study, tmp_path, [f"*/*/{study.seeds[0]}"]):
        if cell.graph is not None:
            cell.graph.path.parent.mkdir(exist_ok=True)
            cell.graph.path.touch()
        run_configuration(cell.system.configuration, tmp_path, None, None, cell.settings)
    assert f"#   sse-nmt study configs/studies/{path.name}" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", sorted({path.parent for path in CONFIGS}), ids=lambda path: path.name)
def test_systems_differ_in_the_task_alone(folder):
    contents = {path.stem: OmegaConf.to_container(read_configuration(path)) for path in folder.glob("*.yaml")}
    tasks = {name: content.pop("task") for name, content in contents.items()}
    if "rdrop" in contents:  # a criterion's method
        assert contents["rdrop"]["criterion"]["_name"] == "label_smoothed_cross_entropy_with_rdrop"
        contents["rdrop"]["criterion"] = contents["baseline"]["criterion"]
    assert all(content == contents["baseline"] for content in contents.values())
    assert tasks["baseline"] == {"_name": "translation", "data": "???"}
    shared = {"_name": "translation_sse", "sse_prob": 0.01, "data": "???"}
    assert tasks["sse_se"] == shared
    beside = {f"sse_graph_{side}": "${task.data}/../graph.npz" for side in ("source", "target")}
    if "sse_graph" in tasks:
        assert tasks["sse_graph"] == shared | beside | {"sse_neighbour_mass": 0.5}


def command_of(path: Path) -> str:
    command = re.search(r"^#   (fairseq-hydra-train .*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert command is not None
    return command[1]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_command_in_the_file_names_the_file(path):
    folder = path.parent.relative_to(ROOT)
    assert f"--config-dir {folder} --config-name {path.stem} " in command_of(path)


def graph_beside(data: Path, folder: Path) -> Path:
    """The same data with a graph."""
    shutil.copytree(data / "bin", folder / "bin")
    vocabulary = Vocabulary.read(data / "bin/dict.en.txt")
    words = torch.tensor(vocabulary.words)
    graph = KnowledgeGraph.from_edges(len(vocabulary), words, torch.roll(words, 1), symmetric=True)
    save_graph(folder / "graph.npz", GraphFile(graph, vocabulary.tokens))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [path for path in CONFIGS if path.stem != "baseline"], ids=lambda p: f"{p.parent.name}-{p.stem}"
)
def test_the_command_in_the_file_trains(path, toy_data, tmp_path):
    """As its first lines say, but for two updates, and from another folder; the baseline differs in the task alone."""
    data = graph_beside(toy_data, tmp_path / "data") if path.stem == "sse_graph" else toy_data
    words = command_of(path).replace("DIR/bin", str(data / "bin")).replace("configs/", f"{ROOT}/configs/").split()
    short = ["optimization.max_update=2", "optimization.update_freq=[1]", "dataset.max_tokens=200"]
    short += [
        "model.encoder_layers=1",
        "model.decoder_layers=1",
        "common.cpu=true",
        "common.fp16=false",
        f"common.user_dir={ROOT}/sse_nmt",
    ]
    done = run_command(*words, *short, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "checkpoints/checkpoint_last.pt").is_file()
