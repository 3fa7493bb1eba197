"""The rules that groups of parameters follow, and what a group of each must say."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

# Their arithmetic and their options are torch's own.
BASE: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
# OneCycleLR writes into `max_lr` of every group, so the largest step has another name.
TABLES = {"fa": ("frequencies", "alpha", "horizon", "eta_max"), "cf": ("alpha", "eta_max")}
_NUMBERS = ("alpha", "horizon", "eta_max")
_SUM_TOLERANCE = 1e-3


def complete_group(group: dict[str, Any]) -> dict[str, Any]:
    """A group with all its options, checked; the one given stays as it was.

    Raises:
        ValueError: an unknown rule; for ``fa`` and ``cf`` an option that is missing, too many or out of range,
            parameters that are no matrices, or frequencies that are none.
        TypeError: for ``sgd``, ``adam`` and ``adamw`` an option that torch's optimiser does not have.
    """
    rule = group.get("rule")
    if rule in TABLES:
        return _table_group(group, rule)
    if rule not in BASE:
        known = ", ".join(map(repr, (*TABLES, *BASE)))
        raise ValueError(f"`rule` must be one of {known}, but is {rule!r} instead.")
    options = {name: value for name, value in group.items() if name not in ("params", "rule", "initial_lr")}
    complete = BASE[rule]([{"params": group["params"]}], **options).param_groups[0]
    return {**group, **complete}


def _table_group(group: dict[str, Any], rule: str) -> dict[str, Any]:
    params = [group["params"]] if isinstance(group["params"], Tensor) else list(group["params"])
    if not params:
        raise ValueError(f"`params` of rule {rule!r} must hold a table, but are empty.")
    complete = {"lr": 1.0, **group, "params": params}
    for name in TABLES[rule]:
        if name not in group:
            raise ValueError(f"`{name}` must be given for rule {rule!r}, but is missing.")
    for name in complete:
        if name not in (*TABLES[rule], "lr", "initial_lr", "params", "rule"):
            raise ValueError(f"Rule {rule!r} must have no options but its own, but has `{name}`.")
    for name in _NUMBERS:
        if name in complete and not 0 < complete[name] < math.inf:
            raise ValueError(f"`{name}` must be finite and above 0, but is {complete[name]} instead.")
    if not 0 <= complete["lr"] < math.inf:
        raise ValueError(f"`lr` must be finite and at least 0, but is {complete['lr']} instead.")
    for table in params:
        if table.dim() != 2:
            shape = tuple(table.shape)
            raise ValueError(f"`params` of rule {rule!r} must be matrices, but one has shape {shape} instead.")
    if rule == "fa":
        complete["frequencies"] = _checked_frequencies(group["frequencies"], params)
    return complete


def _checked_frequencies(given: Any, tables: list[Tensor]) -> Tensor:
    frequencies = torch.as_tensor(given).detach()
    for table in tables:
        if frequencies.shape != table.shape[:1]:
            shape = tuple(frequencies.shape)
            raise ValueError(f"`frequencies` must hold one number a row, {len(table)}, but have shape {shape} instead.")
    wrong = frequencies[~(frequencies.isfinite() & (frequencies >= 0))]
    if len(wrong):
        raise ValueError(f"`frequencies` must be finite and at least 0, but {wrong[0].item():g} is among them.")
    total = frequencies.sum(dtype=torch.float64).item()
    if abs(total - 1) > _SUM_TOLERANCE:
        raise ValueError(f"`frequencies` must sum to 1, to within {_SUM_TOLERANCE}, but sum to {total:g} instead.")
    return frequencies.to(tables[0].device, torch.float32, copy=True)
