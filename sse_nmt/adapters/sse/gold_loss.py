"""The loss on gold labels, beside that on labels of which some are replaced, which is the one that trains."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from fairseq import utils
from fairseq.logging import metrics
from torch import Tensor


@contextmanager
def gold_loss(criterion: Any, gold: Tensor) -> Iterator[dict[str, Any]]:
    """While it lasts the criterion also computes -log p of the ``gold`` labels (B, T), from the same outputs.

    What it gives is filled with `gold_nll_loss`, a sum over tokens, if the criterion has a ``compute_loss`` as
    fairseq's cross-entropies have.
    """
    found: dict[str, Any] = {}
    own = getattr(criterion, "compute_loss", None)
    if own is None:
        yield found
        return

    def compute_loss(model: Any, net_output: Any, sample: dict[str, Any], reduce: bool = True) -> Any:
        with torch.no_grad():  # first: what the criterion notes of its last loss shall be of the trained one
            values = own(model, net_output, {**sample, "target": gold}, reduce=True)
        found["gold_nll_loss"] = values[1].detach().sum()
        return own(model, net_output, sample, reduce=reduce)

    criterion.compute_loss = compute_loss
    try:
        yield found
    finally:
        del criterion.compute_loss


def log_gold_loss(logging_outputs: list[dict[str, Any]]) -> None:
    """Bits per token, and perplexity, where labels were replaced: `loss`, `nll_loss`, `ppl` are on those."""
    sums = [log["gold_nll_loss"] for log in logging_outputs if "gold_nll_loss" in log]
    if sums:
        tokens = sum(log.get("ntokens", 0) for log in logging_outputs)
        metrics.log_scalar("gold_nll_loss", sum(sums) / tokens / math.log(2), tokens, priority=905, round=3)
        metrics.log_derived("gold_ppl", lambda meters: utils.get_perplexity(meters["gold_nll_loss"].avg))
