"""`--optimizer fa_sgd` and `--optimizer cf_sgd`: frequency-aware SGD (Li et al., ICLR 2022) on embedding tables."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterable
from typing import Any

from fairseq.optim import FairseqOptimizer, register_optimizer
from torch import Tensor

from sse_nmt.adapters.frequency.embedding_table import EmbeddingTable, embedding_table
from sse_nmt.adapters.frequency.options import CFSGDConfig, FASGDConfig, FrequencyAwareConfig
from sse_nmt.methods.frequency import FrequencyAwareSGD
from sse_nmt.system.options import check_options

logger = logging.getLogger(__name__)


class FrequencyAware(FairseqOptimizer):
    """The tagged tables by their own rule, a group each; before them all other parameters, by SGD or Adam.

    A table's ``lr`` is a factor of its step sizes: what the scheduler makes of ``--lr``, over ``--lr``. So warm-up
    and decay scale the rows' steps as they do all others.

    Raises:
        ValueError: an option out of range; no tagged table, or one that is tied to another layer.
    """

    rule: str
    config: type[FrequencyAwareConfig]

    def __init__(self, cfg: Any, params: Iterable[Tensor]) -> None:
        super().__init__(cfg)
        self._base_lr = cfg.lr[0]
        self._check_options()
        parameters = list(params)
        tagged = [(parameter, embedding_table(parameter)) for parameter in parameters]
        tables = [(parameter, table) for parameter, table in tagged if table is not None]
        self._check_tables(tables)
        others = [parameter for parameter, table in tagged if table is None]
        groups = [{"params": others, **self._base_group()}]
        groups += [{"params": [parameter], **self._table_group(table)} for parameter, table in tables]
        self._optimizer = FrequencyAwareSGD(groups)
        for parameter, table in tables:
            logger.info(
                "%s on the rows of %s %s: alpha %g, steps of at most %g; %s on %d other parameters",
                self._name(), table.name, tuple(parameter.shape), cfg.frequency_alpha, cfg.frequency_eta_max,
                cfg.base_optimizer, len(others),
            )  # fmt: skip

    @property
    def optimizer_config(self) -> dict[str, Any]:
        return {"lr": self._base_lr}

    def set_lr(self, lr: float) -> None:
        for number, group in enumerate(self.param_groups):
            group["lr"] = lr if number == 0 else lr / self._base_lr

    def load_state_dict(self, state_dict: dict[str, Any], optimizer_overrides: dict[str, Any] | None = None) -> None:
        """Counters and moments as they were saved; options, as everywhere in fairseq, as they are now."""
        present = [{key: value for key, value in group.items() if key != "params"} for group in self.param_groups]
        self.optimizer.load_state_dict(state_dict)
        for group, options in zip(self.param_groups, present, strict=True):
            group.update(options)

    def _base_group(self) -> dict[str, Any]:
        cfg = self.cfg
        common = {"lr": self._base_lr, "weight_decay": cfg.weight_decay}
        if cfg.base_optimizer == "sgd":
            return {"rule": "sgd", "momentum": cfg.momentum, **common}
        betas = ast.literal_eval(cfg.adam_betas) if isinstance(cfg.adam_betas, str) else tuple(cfg.adam_betas)
        return {"rule": "adamw", "betas": betas, "eps": cfg.adam_eps, **common}

    def _table_group(self, table: EmbeddingTable) -> dict[str, Any]:
        return {"rule": self.rule, "alpha": self.cfg.frequency_alpha, "eta_max": self.cfg.frequency_eta_max}

    def _check_options(self) -> None:
        check_options(self.cfg, type(self).config, ValueError)
        if not self._base_lr > 0.0:
            raise ValueError(f"`--lr` must be above 0 for --optimizer {self._name()}, but is {self._base_lr} instead.")

    def _check_tables(self, tables: list[tuple[Tensor, EmbeddingTable]]) -> None:
        name = f"`--optimizer {self._name()}`"
        if not tables:
            raise ValueError(f"{name} must be told of embedding tables, as `--task translation_sse` does, but is not.")
        for _, table in tables:
            if table.tied_to is not None:
                raise ValueError(
                    f"{name} must have tables of their own, since an output layer has a gradient in every row, but "
                    f"that of `{table.name}` is also in `{table.tied_to}`."
                )

    def _name(self) -> str:
        return f"{self.rule}_sgd"


@register_optimizer("cf_sgd", dataclass=CFSGDConfig)
class CFSGD(FrequencyAware):
    """η_k = min(η_max, α / √c_k): the counters c_k are part of the optimiser's state."""

    rule, config = "cf", CFSGDConfig


@register_optimizer("fa_sgd", dataclass=FASGDConfig)
class FASGD(FrequencyAware):
    """η_k = min(η_max, α / √(T p_k)): p_k counted from the binarised training text, T from ``--max-update``."""

    rule, config = "fa", FASGDConfig

    def _table_group(self, table: EmbeddingTable) -> dict[str, Any]:
        horizon = self.cfg.max_update
        if horizon < 1:
            raise ValueError(f"`--optimizer fa_sgd` needs `--max-update`, the T of its steps, but that is {horizon}.")
        return {**super()._table_group(table), "horizon": horizon, "frequencies": table.frequencies()}
