"""fairseq-train inside the test process: the same code, without five seconds of imports each time."""

from __future__ import annotations

import copy
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from conftest import run_command
from fairseq import checkpoint_utils, options, utils
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq_cli import train as fairseq_train
from hydra.core.override_parser.overrides_parser import OverridesParser

from sse_nmt.runs.checkpoints import load_checkpoint
from sse_nmt.system.user_dir import USER_DIR

_SIZES = {"layers": "1", "attention-heads": "2", "embed-dim": "16", "ffn-embed-dim": "32"}
SMALL_TRANSFORMER = ["--arch", "transformer"] + [
    word for part in ("encoder", "decoder") for name, size in _SIZES.items() for word in (f"--{part}-{name}", size)
]
# `sse-nmt bench gpu --parts tests` runs the same tests on a GPU.
ON_CPU = [] if "SSE_NMT_TEST_GPU" in os.environ else ["--cpu"]
SHARED = ["--share-all-embeddings"]


def _parse_once() -> None:
    """fairseq has hydra parse 280 values for a training, most of them the same each time: a quarter of a second."""
    parse, known = OverridesParser.parse_rule, {}

    def parse_rule(parser: OverridesParser, text: str, rule: str) -> Any:
        if (text, rule) not in known:
            known[text, rule] = parse(parser, text, rule)
        return copy.copy(known[text, rule])

    OverridesParser.parse_rule = parse_rule


_parse_once()
LABEL_SMOOTHED = ("--criterion", "label_smoothed_cross_entropy", "--label-smoothing", "0.1")


def configuration(
    data: Path | str,
    save: Path,
    *words: str,
    task: str = "translation_sse",
    updates: int = 20,
    validate: bool = False,
    criterion: Sequence[str] = LABEL_SMOOTHED,
) -> Any:
    arguments = [str(data), "--user-dir", USER_DIR, "--task", task, "--save-dir", str(save)]
    arguments += ["--dropout", "0.1"]
    if "adaptive_loss" not in words:  # which knows no smoothing
        arguments += criterion
    arguments += ["--optimizer", "adam", "--lr", "1e-2", "--max-tokens", "200", "--max-update", str(updates)]
    arguments += [*ON_CPU, "--num-workers", "0", "--no-epoch-checkpoints", "--log-format", "json"]
    arguments += [] if validate else ["--disable-validation"]
    utils.import_user_module(Namespace(user_dir=USER_DIR))
    parser = options.get_training_parser(default_task=task)
    return convert_namespace_to_omegaconf(options.parse_args_and_arch(parser, input_args=[*arguments, *words]))


def train(data: Path | str, save: Path, *words: str, **settings: Any) -> dict[str, Any]:
    """Train, as a new process would, and return what the last checkpoint holds."""
    for remembering in (checkpoint_utils.save_checkpoint, fairseq_train.should_stop_early):
        vars(remembering).clear()
    if "--arch" not in words:
        words = (*SMALL_TRANSFORMER, *SHARED, *words)
    fairseq_train.main(configuration(data, save, *words, **settings))
    return load_checkpoint(save / "checkpoint_last.pt")


def train_in_two_processes(
    data: Path,
    save: Path,
    *words: str,
    updates: int,
    task: str = "translation_sse",
    criterion: Sequence[str] = LABEL_SMOOTHED,
) -> dict[str, torch.Tensor]:
    """Over gloo, as users start it, without dropout; the parameters at the end."""
    if criterion is LABEL_SMOOTHED:
        words = (*SMALL_TRANSFORMER, *words)
    save.mkdir(exist_ok=True)
    (save / "meeting").unlink(missing_ok=True)
    common = [sys.executable, "-m", "fairseq_cli.train", str(data), "--user-dir", USER_DIR, "--task", task]
    common += [*criterion, *words]
    common += ["--max-tokens", "200", "--cpu", "--dropout", "0", "--max-update", str(updates), "--disable-validation"]
    common += ["--ddp-backend", "legacy_ddp", "--save-dir", str(save), "--num-workers", "0", "--no-epoch-checkpoints"]
    common += ["--distributed-backend", "gloo", "--distributed-init-method", f"file://{save}/meeting"]
    common += ["--distributed-world-size", "2", "--distributed-no-spawn"]
    with ThreadPoolExecutor() as pool:
        for done in pool.map(lambda rank: run_command(*common, "--distributed-rank", str(rank)), range(2)):
            assert done.returncode == 0, done.stderr
    return load_checkpoint(save / "checkpoint_last.pt")["model"]


def same_parameters(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Bit for bit, under the same names."""
    a, b = one["model"], other["model"]
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
