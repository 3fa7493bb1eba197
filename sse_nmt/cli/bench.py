"""`sse-nmt bench`."""

from __future__ import annotations

import argparse
import importlib
from functools import partial
from pathlib import Path
from typing import Any

from sse_nmt.bench.options import (
    DecodingOptions,
    FactorizedOptions,
    GpuCheckOptions,
    LossOptions,
    OpOptions,
    OverheadOptions,
    PreparationOptions,
    TrainStepOptions,
)
from sse_nmt.cli.arguments import add_options, command, from_namespace, group_of

# Each is `bench_NAME` in the module of its name.
MEASUREMENTS: dict[str, tuple[str, Any, str]] = {
    "op": ("time to replace token ids, beside a copy and a Python loop", OpOptions, "--ids 100000"),
    "overhead": (
        "time of a training step of translation_sse, beside that of translation",
        OverheadOptions,
        "--embed-dim 512 --vocab-size 32000",
    ),
    "train": (
        "tokens per second in training, beside plain fairseq and its peers",
        TrainStepOptions,
        "--sizes 8000x256",
    ),
    "loss": ("time and memory of the output layer and its loss alone", LossOptions, "--vocab-size 8000"),
    "factorized": ("what Frobenius decay costs, and what low-rank layers save", FactorizedOptions, "--layers 3"),
    "prepare": (
        "sentence pairs per second of each step from raw text to binary data",
        PreparationOptions,
        "--pairs 50000",
    ),
    "gpu": ("check and measure all of it on a GPU", GpuCheckOptions, "--output gpu_check"),
    "decode": ("sentences per second of CTranslate2, beside fairseq-generate", DecodingOptions, "runs/sse_se"),
}


def add(commands: Any, text: str) -> None:
    listed = [(name, about) for name, (about, _, _) in MEASUREMENTS.items()]
    members = group_of(commands, "bench", text, "measurement", listed)
    for name, (about, kind, words) in MEASUREMENTS.items():
        parser = command(members, name, partial(_measure, name, kind), about, [f"sse-nmt bench {name} {words}"])
        if name == "decode":
            parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
        add_options(parser, kind)


def _measure(name: str, kind: Any, options: argparse.Namespace) -> None:
    measure = getattr(importlib.import_module(f"sse_nmt.bench.{name}"), f"bench_{name}")
    runs = [options.run] if name == "decode" else []
    measure(*runs, from_namespace(kind, options))
