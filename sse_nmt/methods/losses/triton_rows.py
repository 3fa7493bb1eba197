"""The label-smoothed loss of rows of logits and its gradient, each row in one block of one kernel.

Logits are taken less the gold one, so that nothing cancels: with d_k = z_k - z_t, -log p_t = log Σ_k exp d_k and
-Σ_k log p_k = -V log p_t - Σ_k d_k. Forward reads a logit once; the gradient, from -log p_t, once more, and writes it.
"""
# mypy: disallow-untyped-defs=false
# What Triton compiles is Python to the eye alone: its arguments are pointers.

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from sse_nmt.methods.losses.label_smoothing import RowValues, Smoothing

BLOCK = 4096  # logits at a time
WARPS = 8


def row_values(logits: Tensor, target: Tensor, with_correct: bool) -> RowValues:
    """Logits (n, V), labels in range (n,) -> values of the rows."""
    return _values(logits, target, with_correct, None, Smoothing(0.0, 0))


def values_and_gradient_(
    logits: Tensor, target: Tensor, with_correct: bool, smoothing: Smoothing, scale: Tensor
) -> RowValues:
    """The same; the logits become the gradient of ``scale`` (n,) times each row's loss."""
    return _values(logits, target, with_correct, scale, smoothing)


def gradient_into(
    gradient: Tensor, logits: Tensor, target: Tensor, nll: Tensor, smoothing: Smoothing, scale: Tensor
) -> None:
    """From ``nll`` (n,) of `row_values`; ``gradient`` (n, V) may be the logits themselves."""
    _launch(logits, gradient, target, RowValues(nll, nll, None), smoothing, scale, values=False)


def _values(
    logits: Tensor, target: Tensor, with_correct: bool, scale: Tensor | None, smoothing: Smoothing
) -> RowValues:
    nll, smooth = logits.new_empty((2, len(logits)), dtype=torch.float32)
    correct = target.new_empty(target.shape, dtype=torch.bool) if with_correct else None
    found = RowValues(nll, smooth, correct)
    _launch(logits, logits, target, found, smoothing, scale, values=True)
    return found


def _launch(
    logits: Tensor,
    gradient: Tensor,
    target: Tensor,
    found: RowValues,
    smoothing: Smoothing,
    scale: Tensor | None,
    values: bool,
) -> None:
    rows, labels = logits.shape
    if rows == 0:
        return
    gold_logits = logits.gather(1, target[:, None])  # before they are written over; asserts that labels are in range
    factors = found.nll if scale is None else scale.float().contiguous()
    with torch.cuda.device(logits.get_device()):  # Triton launches on the current one
        _rows[(rows,)](
            logits, gradient, gold_logits, target.contiguous(), factors,
            found.nll, found.smooth, found.nll if found.correct is None else found.correct,
            labels, smoothing.others(labels), smoothing.gold(labels),
            VALUES=values, GRADIENT=scale is not None, CORRECT=found.correct is not None,
            BLOCK=min(BLOCK, triton.next_power_of_2(labels)), num_warps=WARPS,
        )  # fmt: skip


@triton.jit(do_not_specialize=("others", "gold"))
def _rows(
    logits, gradient, gold_logits, target, scale, nll, smooth, correct, labels, others, gold,
    VALUES: tl.constexpr, GRADIENT: tl.constexpr, CORRECT: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    label = tl.load(target + row)
    start = row * labels
    gold_logit = tl.load(gold_logits + row).to(tl.float32)
    own = tl.where(gold_logit == float("-inf"), 0.0, gold_logit)
    if VALUES:
        total, below, earlier = 0.0, 0.0, 0
        peak = tl.where(gold_logit == float("-inf"), -1e30, 0.0)  # finite: whole blocks may be of labels that cannot be
        for first in range(0, labels, BLOCK):
            k = first + tl.arange(0, BLOCK)
            inside = k < labels
            d = tl.load(logits + start + k, mask=inside, other=float("-inf")).to(tl.float32) - own
            new_peak = tl.maximum(peak, tl.max(d, 0))
            total = total * tl.exp(peak - new_peak) + tl.sum(tl.exp(d - new_peak), 0)
            below += tl.sum(tl.where(inside, d, 0.0), 0)
            earlier += tl.sum(((d >= 0.0) & (k < label)).to(tl.int32), 0)
            peak = new_peak
        minus_log_p = peak + tl.log(total) + (own - gold_logit)
        tl.store(nll + row, minus_log_p)
        tl.store(smooth + row, labels * minus_log_p - below)
        if CORRECT:  # of equal ones the first is the likeliest, as `argmax` has it
            tl.store(correct + row, (peak <= 0.0) & (earlier == 0))
    else:
        minus_log_p = tl.load(nll + row)
    if GRADIENT:
        factor = tl.load(scale + row)
        for first in range(0, labels, BLOCK):
            k = first + tl.arange(0, BLOCK)
            inside = k < labels
            d = tl.load(logits + start + k, mask=inside, other=float("-inf")).to(tl.float32) - own
            g = (tl.exp(d - minus_log_p) - others - tl.where(k == label, gold, 0.0)) * factor
            tl.store(gradient + start + k, g.to(gradient.dtype.element_ty), mask=inside)
