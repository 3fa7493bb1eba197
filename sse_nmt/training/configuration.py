"""The configuration of one training: a YAML file for fairseq-hydra-train, and what is changed in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from sse_nmt.runs.paths import CHECKPOINTS
from sse_nmt.runs.settings import GRAPHS, TEXTS, check_references
from sse_nmt.system.errors import UserError
from sse_nmt.system.user_dir import USER_DIR
from sse_nmt.text.manifest import NAME, read_manifest

_OF_HYDRA = ("run", "output_subdir")
_SECTIONS = (
    "common", "task", "model", "criterion", "optimizer", "lr_scheduler", "optimization", "dataset", "checkpoint",
    "distributed_training", "hydra",
)  # fmt: skip


def read_configuration(path: Path) -> DictConfig:
    if not path.is_file():
        raise UserError(f"{path} must be a configuration file, but there is no such file.")
    try:
        configuration = OmegaConf.load(path)
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise UserError(f"{path} must be YAML, but cannot be read: {' '.join(str(error).split())}.") from error
    if not isinstance(configuration, DictConfig) or "task" not in configuration or "model" not in configuration:
        raise UserError(f"{path} must hold a `task` and a `model`, but does not.")
    tree = OmegaConf.to_container(configuration, resolve=False)
    for name, section in tree.items() if isinstance(tree, dict) else ():
        if name in _SECTIONS and section is not None and not isinstance(section, dict):
            raise UserError(f"`{name}` in {path} must be keys and values, but is {section!r} instead.")
    return configuration


def run_configuration(
    path: Path, data: Path, seed: int | None, updates: int | None, overrides: Sequence[str]
) -> DictConfig:
    """The configuration at ``path`` for one run: data, folders, seed, length, and KEY=VALUE overrides.

    Folders of the run are relative to it, where the training is started, so that it can be moved; the log takes
    the form that we read back.
    """
    configuration = read_configuration(path)
    binary = read_manifest(data).get("binary", ["bin"]) if (data / NAME).is_file() else ["bin"]
    settings = {
        "common.user_dir": USER_DIR,
        "common.log_format": "json",
        "common.reset_logging": True,
        "task.data": ":".join(str((data / name).resolve()) for name in binary),  # an epoch each
        "checkpoint.save_dir": CHECKPOINTS,
        "hydra.run.dir": ".",
        "hydra.output_subdir": None,
        **({} if seed is None else {"common.seed": seed}),
        **({} if updates is None else {"optimization.max_update": updates}),
    }
    for key, value in settings.items():
        try:
            OmegaConf.update(configuration, key, value)
        except (OmegaConfBaseException, ValueError, TypeError) as error:
            raise UserError(
                f"`{key}` must have a place in {path}, but what is above it is no keys and values."
            ) from error
    for override in overrides:
        key, equals, _ = override.partition("=")
        if not equals or not key.strip():
            raise UserError(f"An override must be KEY=VALUE, but is {override!r} instead.")
        try:
            configuration.merge_with(OmegaConf.from_dotlist([override]))
        except (YAMLError, OmegaConfBaseException) as error:
            raise UserError(f"An override must be YAML after its =, but {override!r} is not.") from error
    _check_runs_no_code(configuration)
    check_references(configuration)
    _find_files(configuration)
    return configuration


def _check_runs_no_code(configuration: DictConfig) -> None:
    """Raise UserError for what makes hydra import and call what a configuration names."""
    tree = OmegaConf.to_container(configuration, resolve=False)
    assert isinstance(tree, dict)
    hydra = tree.get("hydra")
    for key in hydra if isinstance(hydra, dict) else ():
        if key not in _OF_HYDRA:
            raise UserError(f"`hydra` in a configuration must have keys among {', '.join(_OF_HYDRA)}, but has {key!r}.")
    if tree.get("defaults") not in (None, [], ["_self_"]):
        raise UserError(f"`defaults` in a configuration must be [_self_] if any, but is {tree['defaults']!r} instead.")
    for place in _places(tree):
        if place.rsplit(".", 1)[-1] == "_target_":
            raise UserError(f"A configuration must name no code to call, but has `{place}`: take it out.")


def _places(tree: Any, prefix: str = "") -> Iterator[str]:
    """Every key within, with those that it is below."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield f"{prefix}{key}"
        yield from _places(value, f"{prefix}{key}.")


def _find_files(configuration: DictConfig) -> None:
    """Absolute paths of graphs and texts: a training is started in its run folder."""
    for key in (*GRAPHS, *TEXTS):
        named = OmegaConf.select(configuration, key)
        if named is None:
            continue
        path = Path(named).resolve()
        if not path.is_file():
            kind = "file of `sse-nmt graph build`" if key in GRAPHS else "segmented text"
            raise UserError(f"`{key}` must be a {kind}, but there is no {path}.")
        OmegaConf.update(configuration, key, str(path))
