"""An optimiser that steps each row of an embedding table by how often its token occurs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from sse_nmt.methods.frequency.gradient_rows import rows_of, step_rows
from sse_nmt.methods.frequency.row_recorder import RowRecorder
from sse_nmt.methods.frequency.rules import BASE, TABLES, complete_group
from sse_nmt.methods.frequency.step_sizes import cf_step_sizes, fa_step_sizes


class FrequencyAwareSGD(torch.optim.Optimizer):
    """FA-SGD and CF-SGD (Li et al. 2022) for embedding tables, SGD or Adam for all other parameters.

    Every group of parameters names its ``rule``:

    - ``fa``: tables (V, D) with known ``frequencies`` (V,), which sum to 1. Row k goes η_k = min(η_max, α / √(T p_k))
      against its gradient; the group says ``alpha``, ``horizon`` (T, in updates) and ``eta_max``.
    - ``cf``: tables with a counter c_k for each row, raised before use at every update that looks the row up:
      η_k = min(η_max, α / √c_k); ``alpha`` and ``eta_max``.
    - ``sgd``, ``adam``, ``adamw``: `torch.optim.SGD`, `Adam` and `AdamW`, with all their options, bit for bit.

        tables = embedding_tables(model, ["source", "target"])
        others = [p for p in model.parameters() if all(p is not table for table in tables)]
        FrequencyAwareSGD([
            {"params": tables, "rule": "cf", "alpha": 1.0, "eta_max": 5.0},
            {"params": others, "rule": "adam", "lr": 5e-4},
        ])

    ``lr`` of a group of tables is a factor of its step sizes, 1 unless given: row k goes lr · η_k, so a scheduler that
    warms up or decays scales all of them, η_max as well. Schedulers that set a rate of their own (OneCycleLR) need one
    for each group. Tables have no momentum and no weight decay: rows without gradient keep their bits. FA-SGD has no
    state, CF-SGD V numbers (``row_counts``, int64), which keep their type whatever the type of the parameters is.

    *Looked up* is, for ``cf``, what has a gradient when `step` begins: rows with a number other than 0, or the
    indices of a sparse gradient. So micro-batches before one step count once, clipping and scaling change nothing,
    processes that share gradients find the same rows, a batch that a process only feigns counts for nothing, and of
    ids that are replaced (SSE) those that were seen count. A row whose gradient is exactly 0 does not count; a
    `RowRecorder` sees it.

    A table tied to an output layer has a gradient in every row at every update. Under ``fa`` all rows then go by their
    own η_k. Under ``cf`` all counters would be t and the steps one α / √t; with a recorder they count look-ups, and
    rows that only the output layer moves go by η_k as well. Neither is the method: `embedding_tables` refuses it.

    Args:
        groups: dictionaries as above.
        recorder: tells the rows of all ``cf`` tables from the ids; None takes those with a gradient.

    Raises:
        ValueError, TypeError: a group that cannot be meant; a table of ``cf`` that the recorder does not watch.
    """

    recorder: RowRecorder | None = None  # unpickled and copied optimisers have none: hooks belong to one model

    def __init__(self, groups: Iterable[dict[str, Any]], recorder: RowRecorder | None = None) -> None:
        self.recorder = recorder
        super().__init__(groups, {})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        group = complete_group(param_group)
        if group["rule"] == "cf" and self.recorder is not None:
            for table in group["params"]:
                if table not in self.recorder:
                    shape = tuple(table.shape)
                    raise ValueError(
                        f"`recorder` must watch every table of rule 'cf', but misses one of shape {shape}."
                    )
        super().add_param_group(group)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update; the value of ``closure``, which may compute the loss and its gradients anew."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["rule"] in TABLES:
                for table in group["params"]:
                    if table.grad is not None:
                        self._step_table(table, table.grad, group)
        self._step_others()
        if self.recorder is not None:
            self.recorder.clear()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients, and what was looked up for them: an update that was skipped does not count."""
        super().zero_grad(set_to_none)
        if self.recorder is not None:
            self.recorder.clear()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """What `state_dict` saved; as with all of torch's optimisers, the options of the groups are those saved.

        Raises:
            ValueError: groups of other rules, or of other sizes.
        """
        rules = [group["rule"] for group in self.param_groups]
        saved = [group.get("rule") for group in state_dict["param_groups"]]
        if rules != saved:
            raise ValueError(f"`state_dict` must be of the rules {rules}, but is of {saved} instead.")
        super().load_state_dict(state_dict)
        self._load_counters(state_dict)
        for group in self.param_groups:
            if group["rule"] == "fa":
                group["frequencies"] = group["frequencies"].to(group["params"][0].device)

    def _load_counters(self, state_dict: dict[str, Any]) -> None:
        """Once more: torch made them of the parameter's type, in which they would cease to grow."""
        places = [place for group in state_dict["param_groups"] for place in group["params"]]
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        for place, parameter in zip(places, parameters, strict=True):
            saved = state_dict["state"].get(place, {})
            counters = saved.get("row_counts", saved.get("look_ups"))  # their name until version 0.2.0
            if counters is not None:
                self.state[parameter].pop("look_ups", None)
                self.state[parameter]["row_counts"] = counters.to(parameter.device, copy=True)

    def _step_table(self, table: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        if gradient.is_sparse:
            gradient = gradient.coalesce()
        steps = self._fa_steps(table, group) if group["rule"] == "fa" else self._cf_steps(table, gradient, group)
        step_rows(table, gradient, steps * group["lr"])

    def _fa_steps(self, table: Tensor, group: dict[str, Any]) -> Tensor:
        frequencies = group["frequencies"].to(table.device)
        return fa_step_sizes(frequencies, group["alpha"], group["horizon"], group["eta_max"])

    def _cf_steps(self, table: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[table]
        if "row_counts" not in state:
            state["row_counts"] = torch.zeros(len(table), dtype=torch.long, device=table.device)
        state["row_counts"] += rows_of(gradient) if self.recorder is None else self.recorder.rows(table)
        return cf_step_sizes(state["row_counts"].float(), group["alpha"], group["eta_max"])

    def _step_others(self) -> None:
        for rule, optimizer in BASE.items():
            groups = [group for group in self.param_groups if group["rule"] == rule]
            if groups:  # made anew, 0.1 ms: it works on our groups and our state, wherever they were loaded from
                base = optimizer(groups)
                base.state = self.state
                base.step()
