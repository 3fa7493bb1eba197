"""Frobenius decay in fairseq's training, with any of its optimisers that step parameters one by one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fairseq.logging import metrics
from fairseq.optim.composite import CompositeOptimizer
from torch import Tensor, nn

from sse_nmt.methods.factorized import FactorPair, FrobeniusDecay, copy_tags, tag, tagged_pairs
from sse_nmt.system.errors import OptionError

logger = logging.getLogger(__name__)

_FREQUENCY_AWARE = ("fa", "cf")


class FrobeniusTraining:
    """The penalty's gradients, once an update, on whatever fairseq's optimiser steps; its factors without weight decay.

    fairseq builds its optimiser long after the model and wraps it for mixed precision: it is known when the first
    batch comes. Gradients are then those of all micro-batches and processes, divided by the number of tokens, and yet
    to be clipped.

    Args:
        model: whose names the log shows.
        pairs: the factors, which are tagged.
        decay: λ.
    """

    def __init__(self, model: nn.Module, pairs: Sequence[FactorPair], decay: float) -> None:
        factors = {id(f.parameter) for pair in pairs for f in (tag(pair).left, pair.right)}
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        self._factors = [(name, p) for name, p in named if id(p) in factors]
        self._others = [name for name, p in named if id(p) not in factors]
        self._decay = decay
        self._optimizer: Any = None
        self._stepped: set[int] = set()  # the factors, or what the optimiser has in their place

    def attach(self, optimizer: Any) -> None:
        """Let this optimiser add the penalty's gradients before it clips; only a new one counts.

        Raises:
            ValueError: it does not step the factors one by one, or by rules of their own.
        """
        if optimizer is self._optimizer:
            return
        if isinstance(optimizer.optimizer, CompositeOptimizer):
            raise OptionError(
                "`--frobenius-decay` must have an optimiser of its own groups, but composite has one for each of them: "
                "use another `--optimizer`."
            )
        self._optimizer = optimizer
        stepped = self._in_place_of_factors(optimizer)
        self._stepped = {id(parameter) for parameter in stepped}
        decay = FrobeniusDecay(tagged_pairs(stepped), self._decay)
        optimizer.clip_grad_norm = _AddThenClip(optimizer, decay, optimizer.clip_grad_norm)
        self._log(optimizer, decay)

    @contextmanager
    def without_weight_decay(self, optimizer: Any) -> Iterator[None]:
        """For one step the factors are in groups without weight decay; a checkpoint has the groups of any training."""
        inner = optimizer.optimizer
        groups = inner.param_groups
        split = [part for group in groups for part in self._split(group)]
        inner.param_groups = [part for _, part in split]
        try:
            yield
        finally:
            for group, part in split:  # some optimisers count their steps there
                group.update({key: part[key] for key in part if key not in ("params", "weight_decay")})
            inner.param_groups = groups

    def _split(self, group: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """The group and its parts, each with parameters."""
        if not group.get("weight_decay"):
            yield group, group
            return
        factors = [p for p in group["params"] if id(p) in self._stepped]
        others = [p for p in group["params"] if id(p) not in self._stepped]
        if others:
            yield group, {**group, "params": others}
        if factors:
            yield group, {**group, "params": factors, "weight_decay": 0.0}

    def _in_place_of_factors(self, optimizer: Any) -> list[Tensor]:
        """The parameters of the model, or their copies in full precision, tagged as they are."""
        half, full = getattr(optimizer, "fp16_params", None), getattr(optimizer, "fp32_params", None)
        copies = dict(zip(map(id, half), full, strict=True)) if half and isinstance(full, list) else {}
        groups = {id(p): group for group in optimizer.optimizer.param_groups for p in group["params"]}
        stepped = []
        for name, parameter in self._factors:
            copy = copies.get(id(parameter), parameter)
            if id(copy) not in groups or copy.shape != parameter.shape:
                raise ValueError(
                    f"`--frobenius-decay` must have an optimiser that steps `{name}` by itself, but "
                    f"{type(optimizer).__name__} does not (with --fp16 it takes --fp16-no-flatten-grads; "
                    f"--ddp-backend fully_sharded cannot do it)."
                )
            if groups[id(copy)].get("rule") in _FREQUENCY_AWARE:
                raise ValueError(
                    f"`--frobenius-decay` must not be on rows that have step sizes of their own, but `{name}` is among "
                    f"its factors: use --frobenius-pairs attention."
                )
            copy_tags(parameter, copy)
            stepped.append(copy)
        return stepped

    def _log(self, optimizer: Any, decay: FrobeniusDecay) -> None:
        weight_decay = max(group.get("weight_decay", 0.0) for group in optimizer.optimizer.param_groups)
        logger.info(
            "Frobenius decay %g on the products of %d pairs, no weight decay: %s",
            decay.decay, len(decay.pairs), ", ".join(name for name, _ in self._factors),
        )  # fmt: skip
        logger.info("weight decay %g: %s", weight_decay, ", ".join(self._others))


class _AddThenClip:
    """`clip_grad_norm` of an optimiser, with the penalty's gradients added first."""

    def __init__(self, optimizer: Any, decay: FrobeniusDecay, clip: Callable[..., Tensor]) -> None:
        self._optimizer = optimizer
        self._decay = decay
        self._clip = clip

    def __call__(self, max_norm: float, aggregate_norm_fn: Any = None) -> Tensor:
        penalty = self._decay.add_gradients_(self._scale())
        metrics.log_scalar("frobenius_penalty", penalty, priority=900, round=4)
        return self._clip(max_norm, aggregate_norm_fn)

    def _scale(self) -> Any:
        """What the gradients are yet to be divided by: fairseq's mixed precision leaves that for the step."""
        optimizer = self._optimizer
        if hasattr(optimizer, "_sync_fp16_grads_to_fp32"):
            optimizer._sync_fp16_grads_to_fp32()  # would otherwise overwrite what is added now
        if hasattr(optimizer, "_multiply_factor"):  # --fp16, --bf16
            return 1.0 / optimizer._multiply_factor
        if hasattr(optimizer, "_grad_scaler"):  # --amp
            scale = optimizer._grad_scaler._get_scale_async()  # a tensor; `get_scale` would wait for it
            return optimizer._grad_scaler.get_scale() if scale is None else scale
        return 1.0
