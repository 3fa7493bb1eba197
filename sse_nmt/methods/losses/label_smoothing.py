"""The label-smoothed cross-entropy of a block of rows of logits, and its gradient.

With p the softmax of a row of V logits z, t its label and ε' = ε / (V - 1) (Szegedy et al. 2016, sec. 7, in
fairseq's form, which spreads ε over the *other* labels):

    loss = -(1 - ε - ε') log p_t - ε' Σ_k log p_k,     ∂loss/∂z_k = p_k - ε' - (1 - ε - ε') [k = t]
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor


class Smoothing(NamedTuple):
    """What the labels are smoothed by, and which label does not count."""

    epsilon: float
    ignore_index: int

    def others(self, labels: int) -> float:
        """ε' of V labels."""
        return self.epsilon / (labels - 1)

    def gold(self, labels: int) -> float:
        """The weight of the gold label beyond ε'."""
        return 1.0 - self.epsilon - self.others(labels)


class SmoothedLoss(NamedTuple):
    """Sums over the rows that count, or one value a row (N,), 0 where it does not."""

    loss: Tensor
    nll: Tensor  # -log p of the gold labels; carries no gradient
    correct: Tensor | None  # rows whose likeliest label is the gold one, if asked for


class RowValues(NamedTuple):
    """(n,) each, in float32 or float64."""

    nll: Tensor
    smooth: Tensor  # -Σ_k log p_k
    correct: Tensor | None


def counted_labels(target: Tensor, smoothing: Smoothing) -> tuple[Tensor, Tensor]:
    """Labels (N,) -> which rows count (N,), and labels that are in range where they do not (N,)."""
    counts = target.ne(smoothing.ignore_index)
    return counts, target.masked_fill(~counts, 0)


def softmax_into(probabilities: Tensor, logits: Tensor) -> None:
    torch.softmax(logits, -1, dtype=probabilities.dtype, out=probabilities)


def row_values(logits: Tensor, target: Tensor, probabilities: Tensor, with_correct: bool) -> RowValues:
    """Logits (n, V), labels in range (n,) -> values of the rows; ``probabilities`` (n, V) becomes their softmax."""
    softmax_into(probabilities, logits)
    # With the likeliest label's logit subtracted little cancels, as far as float32 tells logits apart: at an offset of
    # 1e6 it does so in steps of 0.06.
    peak = logits.amax(-1).to(probabilities.dtype)
    log_peak = probabilities.amax(-1).log_()
    below_peak = logits.size(-1) * peak.double() - logits.sum(-1, dtype=probabilities.dtype).double()
    nll = peak - logits.gather(1, target[:, None]).squeeze(1) - log_peak
    smooth = below_peak.to(peak.dtype) - logits.size(-1) * log_peak
    return RowValues(nll, smooth, logits.argmax(-1).eq(target) if with_correct else None)


def to_gradient_(probabilities: Tensor, target: Tensor, smoothing: Smoothing, scale: Tensor | None) -> Tensor:
    """Softmax (n, V) -> gradient of ``scale`` (n,) times each row's loss with respect to the logits, in place."""
    labels = probabilities.size(-1)
    gold = probabilities.new_full((), -smoothing.gold(labels)).expand(len(target), 1)
    probabilities.sub_(smoothing.others(labels)).scatter_add_(1, target[:, None], gold)
    return probabilities if scale is None else probabilities.mul_(scale[:, None])


def combine(
    nll: Tensor, smooth: Tensor, correct: Tensor | None, counts: Tensor, labels: int, smoothing: Smoothing, reduce: bool
) -> SmoothedLoss:
    """Values (N,) of all rows -> the loss over those that count (N,)."""
    nll, smooth = nll.masked_fill(~counts, 0.0), smooth.masked_fill(~counts, 0.0)
    correct = None if correct is None else correct & counts
    if reduce:
        nll, smooth = nll.sum(), smooth.sum()
        correct = None if correct is None else correct.sum()
    if smoothing.epsilon == 0.0:  # a label of probability 0 costs nothing then: 0 times infinity is no number
        return SmoothedLoss(nll.clone(), nll, correct)
    return SmoothedLoss(smoothing.gold(labels) * nll + smoothing.others(labels) * smooth, nll, correct)


def blocks(rows: int, size: int) -> Iterator[slice]:
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def check(rows: Tensor, target: Tensor, labels: int, epsilon: float) -> None:
    """Raises ValueError for shapes or an ε that cannot be meant."""
    if rows.dim() != 2 or target.shape != rows.shape[:1]:
        raise ValueError(
            f"`target` must hold one label for each row of a matrix, but the shapes are {tuple(target.shape)} "
            f"and {tuple(rows.shape)}."
        )
    if labels < 2:
        raise ValueError(f"There must be at least two labels to choose from, but there are {labels} instead.")
    if not 0.0 <= epsilon <= 1.0:
        raise ValueError(f"`epsilon` must be in [0, 1], but is {epsilon} instead.")
