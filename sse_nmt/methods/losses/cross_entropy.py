"""Label-smoothed cross-entropy of logits, without a second matrix of their size."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from sse_nmt.methods.dtypes import accumulation_dtype
from sse_nmt.methods.losses.kernels import row_kernels
from sse_nmt.methods.losses.label_smoothing import (
    RowValues,
    SmoothedLoss,
    Smoothing,
    blocks,
    check,
    combine,
    counted_labels,
    row_values,
    softmax_into,
    to_gradient_,
)

# Numbers of a block: on a processor it should stay in the cache, on a GPU the kernels should be few.
_BLOCK = {"cpu": 2**19}
_BLOCK_ELSEWHERE = 2**24


def label_smoothed_cross_entropy(
    logits: Tensor,
    target: Tensor,
    epsilon: float,
    *,
    ignore_index: int = -100,
    reduce: bool = True,
    overwrite: bool = False,
    with_correct: bool = False,
) -> SmoothedLoss:
    """The loss of logits (N, V) for labels (N,), computed in float32 or better, a block of rows at a time.

    Forward keeps the logits and nothing else of their size; backward forms the softmax anew.

    Args:
        epsilon: ε of label smoothing, in [0, 1].
        ignore_index: the label whose rows do not count.
        reduce: sums over the rows, else one value a row.
        overwrite: let backward write the gradient over the logits, which no one may need any more; their graph
            then goes backward once, as autograd sees to.
        with_correct: also find out where the likeliest label is the gold one.

    Raises:
        ValueError: shapes that do not fit, ε outside [0, 1], or a leaf to be overwritten.
    """
    check(logits, target, logits.size(-1), epsilon)
    if overwrite and logits.is_leaf and logits.requires_grad:
        raise ValueError("`logits` must be computed from others to be overwritten, but are a leaf.")
    return SmoothedLoss(
        *_FromLogits.apply(logits, target, Smoothing(epsilon, ignore_index), reduce, overwrite, with_correct)
    )


class _FromLogits(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        target: Tensor,
        smoothing: Smoothing,
        reduce: bool,
        overwrite: bool,
        with_correct: bool,
    ) -> SmoothedLoss:
        counts, labels = counted_labels(target, smoothing)
        kernels = row_kernels(logits)
        if kernels is None:
            values = _values_in_blocks(logits, labels, with_correct)
        else:
            values = kernels.row_values(logits, labels, with_correct)
        ctx.save_for_backward(logits, target, values.nll)
        ctx.smoothing, ctx.overwrite = smoothing, overwrite
        out = combine(*values, counts, logits.size(-1), smoothing, reduce)
        ctx.mark_non_differentiable(*(value for value in out[1:] if value is not None))
        return tuple(out)  # type: ignore[return-value]  # autograd wants a plain one

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        logits, target, nll = ctx.saved_tensors
        counts, labels = counted_labels(target, ctx.smoothing)
        scale = grad_loss * counts
        gradient = logits if ctx.overwrite else torch.empty_like(logits)
        kernels = row_kernels(logits)
        if kernels is None:
            _gradient_in_blocks(gradient, logits, labels, ctx.smoothing, scale)
        else:
            kernels.gradient_into(gradient, logits, labels, nll, ctx.smoothing, scale)
            if ctx.overwrite:  # a kernel's writing is unseen by autograd, which must refuse what comes too late
                torch.autograd.graph.increment_version(logits)
        return gradient, None, None, None, None, None


def _gradient_in_blocks(gradient: Tensor, logits: Tensor, labels: Tensor, smoothing: Smoothing, scale: Tensor) -> None:
    buffer = _buffer(logits)
    for rows in blocks(len(logits), len(buffer)):
        block = buffer[: rows.stop - rows.start]
        softmax_into(block, logits[rows])
        gradient[rows] = to_gradient_(block, labels[rows], smoothing, scale[rows])


def _values_in_blocks(logits: Tensor, labels: Tensor, with_correct: bool) -> RowValues:
    nll, smooth = logits.new_empty((2, len(logits)), dtype=accumulation_dtype(logits.dtype))
    correct = torch.empty_like(labels, dtype=torch.bool) if with_correct else None
    buffer = _buffer(logits)
    for rows in blocks(len(logits), len(buffer)):
        values = row_values(logits[rows], labels[rows], buffer[: rows.stop - rows.start], with_correct)
        nll[rows], smooth[rows] = values.nll, values.smooth
        if correct is not None and values.correct is not None:
            correct[rows] = values.correct
    return RowValues(nll, smooth, correct)


def _buffer(logits: Tensor) -> Tensor:
    numbers = _BLOCK.get(logits.device.type, _BLOCK_ELSEWHERE)
    rows = min(max(1, numbers // logits.size(-1)), max(1, len(logits)))
    return logits.new_empty((rows, logits.size(-1)), dtype=accumulation_dtype(logits.dtype))
