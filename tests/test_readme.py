"""The README tells the truth: its commands parse, its Python runs, its tables are those of the code."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import fields

import pytest
import torch
from conftest import ROOT, run_command
from ctranslate2.converters import fairseq as fairseq_converter
from fairseq import options, utils
from torch import nn

from sse_nmt.cli import build_parser
from sse_nmt.criterions.fused_label_smoothed_cross_entropy import FusedLabelSmoothedCrossEntropyConfig
from sse_nmt.optim.frequency_options import CFSGDConfig, FASGDConfig
from sse_nmt.sse import CompleteGraph, KnowledgeGraph, SharedEmbedding
from sse_nmt.tasks.factorized_options import FactorizedConfig
from sse_nmt.tasks.sse_options import NEIGHBOUR_MASS, SSEConfig
from sse_nmt.tasks.translation_sse import TranslationSSEConfig

README = (ROOT / "README.md").read_text(encoding="utf-8")


WMT14 = ("prepare_wmt14_en_de", "train_wmt14_en_de", "eval_newstest")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


COMMANDS = [shlex.split(line) for block in blocks("sh") for line in block.replace("\\\n", " ").splitlines()]


def test_the_commands_are_known():
    programs = {command[0] for command in COMMANDS}
    scripts = {f"./scripts/{name}.sh" for name in ("quickstart", "test", *WMT14)}
    tools = {"fairseq-train", "fairseq-generate", "ct2-fairseq-converter", "sse-nmt", "torchrun", "srun", "cat"}
    assert programs == scripts | tools


@pytest.mark.parametrize("command", [c[c.index("sse-nmt") :] for c in COMMANDS if "sse-nmt" in c], ids=" ".join)
def test_sse_nmt_commands_parse_and_their_files_are_there(command):
    parsed = build_parser().parse_args(command[1:])
    for system in getattr(parsed, "systems", []):
        assert (ROOT / system.partition("=")[0]).is_file()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0].startswith("fairseq-")], ids=" ".join)
def test_fairseq_commands_parse(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    make = {"fairseq-train": options.get_training_parser, "fairseq-generate": options.get_generation_parser}
    words = command[1:]
    utils.import_user_module(options.get_training_parser().parse_known_args(words)[0])
    task = words[words.index("--task") + 1]
    parsed = options.parse_args_and_arch(make[command[0]](default_task=task), input_args=words)
    assert parsed.task == task
    if task == "translation_sse":
        assert parsed.sse_prob == 0.01


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] == "ct2-fairseq-converter"], ids=" ".join)
def test_ctranslate2_commands_parse(command, monkeypatch):
    parsed = []
    monkeypatch.setattr(fairseq_converter.FairseqConverter, "convert_from_args", lambda _, args: parsed.append(args))
    monkeypatch.setattr("sys.argv", command)
    fairseq_converter.main()
    assert [args.model_path for args in parsed] == ["plain.pt"]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0].startswith("./scripts")], ids=" ".join)
def test_scripts_are_there(command):
    assert os.access(ROOT / command[0], os.X_OK)


def test_nothing_is_left_to_fill_in():
    for path in (ROOT / "README.md", *(ROOT / "configs").rglob("*.yaml")):
        assert not re.search(r"@[A-Z]+@", path.read_text(encoding="utf-8")), path


def test_python_runs():
    plain, along_graph = blocks("python")
    names: dict[str, object] = {}
    exec(compile(plain, "README.md", "exec"), names)
    assert isinstance(names["model"], nn.Module) and type(names["model"].source.transition) is CompleteGraph
    exec(compile(along_graph, "README.md", "exec"), names)
    model = names["model"]
    assert isinstance(model.source, SharedEmbedding) and isinstance(model.source.transition, KnowledgeGraph)
    ids = torch.randint(4, 8000, (2, 5))
    assert model.eval()(ids, ids).shape == (2, 5, 64)


def test_the_options_are_those_of_the_task():
    rows = re.findall(r"^\| `(--sse[a-z-]*)` \| (.*?) \| (.*?) \|$", README, re.MULTILINE)
    expected = []
    for field in fields(SSEConfig):
        if field.name.startswith("sse_"):
            text = field.metadata["help"]
            meaning, _, said = text.removesuffix(")").partition(" (default")
            default = "none" if field.default is None else f"{field.default:g}"
            if said:
                default = "that of `--sse-prob`" if said == ": --sse-prob" else f"{NEIGHBOUR_MASS:g} with a graph"
            expected.append((f"--{field.name.replace('_', '-')}", default, meaning))
    assert rows == expected


def test_the_options_of_factorised_layers_are_those_of_the_task():
    rows = re.findall(r"^\| `--((?:spectral|low-rank|frobenius)[a-z-]*)` \| (.*?) \| (.*?) \|$", README, re.MULTILINE)
    expected = []
    for field in fields(FactorizedConfig):
        if not field.name.startswith("_"):
            meaning, _, said = field.metadata["help"].partition(" (default: ")
            expected.append((field.name.replace("_", "-"), said.removesuffix(")") or as_text(field.default), meaning))
    assert rows == expected


def test_the_options_of_frequency_aware_sgd_are_those_of_the_optimisers():
    fa, cf = ({field.name: field for field in fields(kind)} for kind in (FASGDConfig, CFSGDConfig))
    names = [name for name in cf if name not in ("_name", "lr")]
    flags = "|".join(name.replace("_", "-") for name in names)
    rows = re.findall(rf"^\| `--({flags})` \| (.*?) \| (.*?) \|$", README, re.MULTILINE)
    defaults = {name: as_text(cf[name].default) for name in names}
    defaults["frequency_alpha"] = (
        f"{fa['frequency_alpha'].default:g} (`fa_sgd`), {defaults['frequency_alpha']} (`cf_sgd`)"
    )
    expected = {(name.replace("_", "-"), defaults[name], cf[name].metadata["help"]) for name in names}
    assert set(rows) == expected and len(rows) == len(expected)


def as_text(default: object) -> str:
    if isinstance(default, float):
        return f"{default:g}"
    return {False: "off", None: "none"}.get(default, str(default))


@pytest.mark.parametrize(
    ("settings", "option"),
    [(TranslationSSEConfig, "fast_dropout"), (FusedLabelSmoothedCrossEntropyConfig, "loss_chunk_tokens")],
)
def test_the_options_beside_sse_are_as_they_are(settings, option):
    (field,) = (field for field in fields(settings) if field.name == option)
    default = "off" if field.default is False else str(field.default)
    assert f"| `--{option.replace('_', '-')}` | {default} | {field.metadata['help']} |" in README


def test_every_documented_option_of_the_quickstart_is_known():
    text = run_command(str(ROOT / "scripts/quickstart.sh"), "--help").stdout
    for option in re.findall(r"`(--(?:smoke|corpus|seed|help)[a-z]*)", README):
        assert option in text
