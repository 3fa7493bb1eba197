"""fairseq's composite optimiser, which takes what parameters carry for options of its groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fairseq_cli import train as fairseq_train
from fairseq_training import SMALL_TRANSFORMER, configuration, same_parameters
from omegaconf import OmegaConf, open_dict

from sse_nmt.runs.checkpoints import load_checkpoint

GROUP = {
    "lr_float": 0.01,
    "optimizer": {"_name": "adam", "lr": [0.01], "adam_betas": "(0.9, 0.98)", "adam_eps": 1e-8, "weight_decay": 0.0,
                  "use_old_adam": False, "fp16_adam_stats": False, "tpu": False},
    "lr_scheduler": {"_name": "fixed", "force_anneal": None, "lr_shrink": 0.1, "warmup_updates": 0, "lr": [0.01]},
}  # fmt: skip


def trained(data: Path, save: Path, *words: str, dynamic: bool, task: str) -> dict[str, Any]:
    cfg = configuration(data, save, *SMALL_TRANSFORMER, *words, task=task, updates=3)
    with open_dict(cfg):
        cfg.optimizer = OmegaConf.create(
            {"_name": "composite", "dynamic_groups": dynamic, "groups": {"default": GROUP}}
        )
        cfg.lr_scheduler = OmegaConf.create({"_name": "pass_through"})
    fairseq_train.main(cfg)
    return load_checkpoint(save / "checkpoint_last.pt")


@pytest.mark.parametrize("dynamic", [False, True])
def test_it_trains_as_with_the_plain_task(toy_data, tmp_path, dynamic):
    ours = trained(toy_data / "bin", tmp_path / "ours", "--sse-prob", "0", dynamic=dynamic, task="translation_sse")
    plain = trained(toy_data / "bin", tmp_path / "plain", dynamic=dynamic, task="translation")
    assert same_parameters(ours, plain)


def test_frobenius_decay_is_refused(toy_data, tmp_path):
    with pytest.raises(ValueError) as error:
        trained(toy_data / "bin", tmp_path, "--frobenius-decay", "0.1", dynamic=False, task="translation_sse")
    assert str(error.value) == (
        "`--frobenius-decay` must have an optimiser of its own groups, but composite has one for each of them: use "
        "another `--optimizer`."
    )
