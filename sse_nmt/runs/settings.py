"""A configuration as settings, KEY: value, and which of them decide what comes out of a training."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException, UnsupportedInterpolationType

from sse_nmt.system.errors import UserError

GRAPHS = ("task.sse_graph_source", "task.sse_graph_target")
TEXTS = ("task.sse_candidates_source", "task.sse_candidates_target")
PLACES = {"task.data", "common.user_dir", *GRAPHS, *TEXTS}  # of no consequence: a run may be moved with its data
# Neither does this: how fairseq reports, saves and shares the work between processes.
_OF_NO_CONSEQUENCE = re.compile(
    r"common\.(log_\w+|no_progress_bar|tensorboard_logdir|wandb_project|azureml_logging|aim_\w+|reset_logging)"
    r"|dataset\.(num_workers|data_buffer_size)|distributed_training\..*|hydra\..*"
    r"|checkpoint\.(save_\w+|keep_\w+|no_\w+|write_checkpoints_asynchronously|load_checkpoint_on_all_dp_ranks"
    r"|reset_dataloader)"
)


def settings_of(configuration: DictConfig | ListConfig) -> dict[str, Any]:
    return _flat(OmegaConf.to_container(configuration))


def of_consequence(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in settings.items() if key not in PLACES and not _OF_NO_CONSEQUENCE.fullmatch(key)
    }


def first_difference(before: Mapping[str, Any], now: DictConfig) -> str | None:
    """The first setting of consequence in which a training differs from what is asked for; None if none does."""
    old, new = of_consequence(before), of_consequence(settings_of(now))
    return first_changed(old, {key: new.get(key) for key in sorted(old.keys() | new.keys())})


def first_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """The first of ``now`` that was another value, or none, before; None if all were the same."""
    for key, value in now.items():
        if before.get(key) != value:
            return f"`{key}` {before.get(key)!r}, not {value!r}"
    return None


def check_references(configuration: DictConfig) -> None:
    """Raise UserError for a `${…}` of what is not there, of which omegaconf would tell whoever asks for the value."""
    try:
        OmegaConf.to_container(configuration, resolve=True)
    except UnsupportedInterpolationType:  # hydra's own, which it will know
        return
    except (OmegaConfBaseException, RecursionError) as error:
        reason = (str(error).splitlines() or ["it refers to itself"])[0]
        if "HydraConfig was not set" in reason:  # the same, where hydra has been imported
            return
        raise UserError(f"A configuration must refer to nothing but what it has, but does: {reason}.") from error


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {prefix: tree}
    return {
        key: value for name, sub in tree.items() for key, value in _flat(sub, f"{prefix}.{name}".strip(".")).items()
    }
