"""What holds of fairseq must hold with our task in the place of its own: translating, averaging, recomputing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from fairseq import options
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq.models.transformer import TransformerModel
from fairseq_cli import generate
from fairseq_training import ON_CPU, same_parameters, train

from sse_nmt.system.atomic_files import read_lines
from sse_nmt.translation.options import SearchOptions
from sse_nmt.translation.translator import Translator

GENERATE = {
    "beam 1": ["--beam", "1"],
    "n best, length penalty": ["--beam", "4", "--nbest", "2", "--lenpen", "0.6"],
    "prefix": ["--prefix-size", "1"],
    "score reference": ["--score-reference"],
}


@pytest.fixture(scope="module")
def data(toy_data: Path) -> Path:
    return toy_data / "bin"


@pytest.fixture(scope="module")
def checkpoints(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    for seed in (1, 2):
        train(data, folder / str(seed), "--sse-prob", "0.1", "--seed", str(seed), updates=40)
    return [folder / str(seed) / "checkpoint_last.pt" for seed in (1, 2)]


def generated(data: Path, task: str, paths: list[Path], *words: str, folder: Path) -> list[str]:
    """The hypotheses with their scores, as the command writes them."""
    parser = options.get_generation_parser(default_task=task)
    arguments = [str(data), "--user-dir", str(ROOT / "sse_nmt"), "--task", task, *ON_CPU, "--max-len-b", "10"]
    arguments += ["--path", ":".join(map(str, paths)), "--max-tokens", "400", "--results-path", str(folder / task)]
    arguments += ["--required-batch-size-multiple", "1", *words]
    generate.main(convert_namespace_to_omegaconf(options.parse_args_and_arch(parser, input_args=arguments)))
    return [line for line in read_lines(folder / task / "generate-test.txt") if line[:2] in ("H-", "P-", "D-")]


@pytest.mark.slow
@pytest.mark.parametrize("name", GENERATE)
def test_both_tasks_translate_alike(data, checkpoints, tmp_path, name):
    found = [generated(data, task, checkpoints[:1], *GENERATE[name], folder=tmp_path)
             for task in ("translation", "translation_sse")]  # fmt: skip
    assert found[0] == found[1] and len(found[0]) >= 60


def test_an_ensemble_translates_alike(data, checkpoints, tmp_path):
    found = [generated(data, task, checkpoints, folder=tmp_path) for task in ("translation", "translation_sse")]
    assert found[0] == found[1] and len(found[0]) >= 60


def test_from_pretrained(data, checkpoints):
    """fairseq's hub interface: the task of the checkpoint is ours."""
    model: Any = TransformerModel.from_pretrained(str(checkpoints[0].parent), "checkpoint_last.pt", str(data))
    tokens = model.encode("▁The ▁old ▁dog")
    first = [hypothesis["tokens"].tolist() for hypothesis in model.generate(tokens, beam=2)]
    assert first == [hypothesis["tokens"].tolist() for hypothesis in model.generate(tokens, beam=2)]


def test_recomputed_activations_see_the_same_draws(data, tmp_path):
    words = ["--sse-prob", "0.2", "--dropout", "0.1"]
    plain = train(data, tmp_path / "plain", *words)
    assert same_parameters(plain, train(data, tmp_path / "recomputed", *words, "--checkpoint-activations"))


def test_alignments_with_their_own_criterion(data, tmp_path):
    """transformer_align learns them from a task's alignments, or here from none, as fairseq allows."""
    words = ["--arch", "transformer_align", "--criterion", "label_smoothed_cross_entropy_with_alignment"]
    widths = {"layers": 1, "attention-heads": 2, "embed-dim": 16, "ffn-embed-dim": 32}
    sizes = [f"--{part}-{name}={size}" for part in ("encoder", "decoder") for name, size in widths.items()]
    words += [*sizes, "--alignment-layer", "0", "--alignment-heads", "1"]
    ours, plain = (train(data, tmp_path / task, *words, "--sse-prob", "0", task=task, updates=4)
                   if task == "translation_sse" else train(data, tmp_path / task, *words, task=task, updates=4)
                   for task in ("translation_sse", "translation"))  # fmt: skip
    assert same_parameters(ours, plain)


@pytest.mark.parametrize("beam", [1, 5])
def test_both_engines_translate_50_of_50_alike(toy_runs, toy_data, beam):
    lines = read_lines(toy_data / "text/train.en")[:50]
    ours, theirs = (Translator(toy_runs["sse_se"], SearchOptions(engine=engine, beam=beam)).translate(lines)
                    for engine in ("ctranslate2", "fairseq"))  # fmt: skip
    assert sum(a == b for a, b in zip(ours, theirs, strict=True)) == 50
    assert len(set(ours)) > 30
