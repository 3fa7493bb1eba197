"""The fairseq configuration and dictionary that the measurements share."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from fairseq import options as fairseq_options
from fairseq.data import Dictionary
from fairseq.dataclass.utils import convert_namespace_to_omegaconf

import sse_nmt  # noqa: F401 (registers our tasks and criterions)
from sse_nmt.bench.step_server import StepSpec


def configuration(spec: StepSpec, task: str, words: Sequence[str] = ()) -> Any:
    """Of a Transformer with one table for source, target and output, trained with Adam at a constant rate.

    ``words`` are further options of `fairseq-train`; a criterion among them replaces fairseq's own. From here on
    fairseq keeps its news to itself.
    """
    logging.disable(logging.INFO)
    arguments = ["data", "--task", task, "--arch", "transformer", "--share-all-embeddings", "--seed", str(spec.seed)]
    for part in ("encoder", "decoder"):
        sizes = {"layers": spec.layers, "embed-dim": spec.embed_dim, "ffn-embed-dim": spec.ffn}
        for name, size in {**sizes, "attention-heads": spec.heads}.items():
            arguments += [f"--{part}-{name}", str(size)]
    arguments += ["--dropout", str(spec.dropout), "--optimizer", "adam", "--adam-betas", "(0.9, 0.98)"]
    arguments += ["--lr", str(spec.lr), "--max-tokens", "4096"]
    arguments += [] if torch.cuda.is_available() else ["--cpu"]
    arguments += ["--criterion", "label_smoothed_cross_entropy", "--label-smoothing", str(spec.label_smoothing), *words]
    parser = fairseq_options.get_training_parser()
    with warnings.catch_warnings(action="ignore"):  # hydra's, on how fairseq calls it
        config = convert_namespace_to_omegaconf(fairseq_options.parse_args_and_arch(parser, input_args=arguments))
    config.common.tpu = False  # which `--bf16` means to fairseq's commands, though not to its configuration files
    return config


def dictionary(vocab_size: int) -> Dictionary:
    """Of so many entries, fairseq's four special ones included."""
    made = Dictionary()
    for word in range(vocab_size - made.nspecial):
        made.add_symbol(f"w{word}")
    return made
