"""Whether fairseq knows every key of a configuration, and can take its value: said before a training starts.

fairseq takes a mistyped key of the older models without a word, and says of others what no user can read.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
from collections.abc import Collection, Mapping
from typing import Any

from fairseq.dataclass.configs import FairseqConfig
from fairseq.models import ARCH_CONFIG_REGISTRY, MODEL_DATACLASS_REGISTRY, MODEL_REGISTRY
from fairseq.registry import REGISTRIES
from fairseq.tasks import TASK_DATACLASS_REGISTRY, TASK_REGISTRY
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sse_nmt.runs.settings import check_references
from sse_nmt.system.errors import UserError

_HYDRA_S_OWN = {"hydra", "defaults"}
_ALWAYS = {"_name", "arch"}


def check_configuration(configuration: DictConfig) -> None:
    """Raise UserError for the first key that is unknown, naming the nearest, or whose value cannot be taken."""
    _check_values_are_there(configuration)
    sections = {field.name for field in dataclasses.fields(FairseqConfig)}
    for name in configuration:
        if name in _HYDRA_S_OWN or name in ("_name", "job_logging_cfg"):
            continue
        _check_known("", str(name), sections)
        section = OmegaConf.select(configuration, str(name))
        if isinstance(section, DictConfig):
            _check_section(str(name), section)


def _check_values_are_there(configuration: DictConfig) -> None:
    check_references(configuration)
    try:
        missing = sorted(OmegaConf.missing_keys(configuration))
    except OmegaConfBaseException:  # `${hydra:…}`, which hydra will know
        return
    if missing:
        raise UserError(f"`{missing[0]}` must have a value, but has none (???): give it one with `--set`.")


def _check_section(name: str, section: DictConfig) -> None:
    kind = section.get("_name") if name in ("task", "model") or name in REGISTRIES else None
    known, schema = _schema(name, kind)
    if known is None:
        return
    for key in map(str, section):
        _check_known(f"{name}.", key, known | _ALWAYS)
        if schema is not None and key not in _ALWAYS and not OmegaConf.is_interpolation(section, key):
            _check_value(f"{name}.{key}", schema, key, section[key])


def _schema(section: str, kind: str | None) -> tuple[set[str] | None, Any]:
    """The keys of a section, and its dataclass; None for what is not known."""
    if section == "model":
        return _of_model(kind)
    if section == "task":
        _check_choice("task._name", kind, TASK_REGISTRY)
        return _of_dataclass(TASK_DATACLASS_REGISTRY.get(kind))
    if section in REGISTRIES:
        registry = REGISTRIES[section]
        if kind is None:
            return None, None
        _check_choice(f"{section}._name", kind, registry["registry"])
        return _of_dataclass(registry["dataclass_registry"].get(kind))
    kinds = {field.name: field.type for field in dataclasses.fields(FairseqConfig)}
    return _of_dataclass(kinds[section] if dataclasses.is_dataclass(kinds[section]) else None)


def _of_model(kind: str | None) -> tuple[set[str] | None, Any]:
    """Models without a dataclass have the options of their parser, and what their architecture sets."""
    _check_choice("model._name", kind, MODEL_REGISTRY)
    assert kind is not None
    if kind in MODEL_DATACLASS_REGISTRY:
        return _of_dataclass(MODEL_DATACLASS_REGISTRY[kind])
    parser = argparse.ArgumentParser(argument_default=argparse.SUPPRESS, allow_abbrev=False)
    MODEL_REGISTRY[kind].add_args(parser)
    options = argparse.Namespace()
    if kind in ARCH_CONFIG_REGISTRY:
        ARCH_CONFIG_REGISTRY[kind](options)
    return {action.dest for action in parser._actions} | vars(options).keys(), None


def _of_dataclass(schema: Any) -> tuple[set[str] | None, Any]:
    if schema is None:
        return None, None
    return {field.name for field in dataclasses.fields(schema)}, schema


def _check_value(name: str, schema: Any, key: str, value: Any) -> None:
    try:
        OmegaConf.merge(OmegaConf.structured(schema), {key: value})
    except (OmegaConfBaseException, OverflowError, ValueError, TypeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise UserError(f"`{name}` cannot be {value!r}: {reason}.") from error


def _check_choice(name: str, value: str | None, known: Mapping[str, Any]) -> None:
    if value not in known:
        raise UserError(f"`{name}` must be one that fairseq knows, but is {value!r}{_nearest(str(value), known)}.")


def _check_known(before: str, key: str, known: Collection[str]) -> None:
    if key not in known:
        raise UserError(f"`{before}{key}` must be a key that fairseq knows, but is none{_nearest(key, known, before)}.")


def _nearest(word: str, known: Collection[str], before: str = "") -> str:
    found = difflib.get_close_matches(word, known, 1)
    return f" (is `{before}{found[0]}` meant?)" if found else ""
