"""Label-smoothed cross-entropy of an output layer, whose logits are formed a chunk of rows at a time."""

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


def linear_label_smoothed_cross_entropy(
    features: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    epsilon: float,
    *,
    chunk: int,
    ignore_index: int = -100,
    reduce: bool = True,
    with_correct: bool = False,
) -> SmoothedLoss:
    """The loss of ``features @ weight.T + bias`` for labels (N,) in O(chunk x V) memory.

    A chunk's gradients are computed with its loss, while its logits are there. Where the gradient of the loss has to
    be known for it (a loss for each row; float16, whose range needs the loss scale), backward forms the logits
    anew. Under autocast the matrix products are in autocast's type, as those of a linear layer.

    Args:
        features: (N, D).
        weight: (V, D).
        bias: (V,) or None.
        chunk: rows at a time.
        epsilon, ignore_index, reduce, with_correct: as in `label_smoothed_cross_entropy`.

    Raises:
        ValueError: shapes that do not fit, ε outside [0, 1], or a chunk below 1.
    """
    check(features, target, len(weight), epsilon)
    if chunk < 1:
        raise ValueError(f"`chunk` must be at least 1, but is {chunk} instead.")
    device = features.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        features, weight = features.to(dtype), weight.to(dtype)
        bias = None if bias is None else bias.to(dtype)
    if reduce and device == "cpu":  # elsewhere their number would have to be waited for
        kept = target.ne(ignore_index).nonzero().squeeze(1)
        if len(kept) < len(target):
            features, target = features.index_select(0, kept), target.index_select(0, kept)
    at_once = reduce and torch.is_grad_enabled() and features.dtype != torch.float16
    smoothing = Smoothing(epsilon, ignore_index)
    with torch.autocast(device, enabled=False):
        return SmoothedLoss(
            *_FromFeatures.apply(features, weight, bias, target, smoothing, chunk, reduce, with_correct, at_once)
        )


class _Chunks:
    """The output layer, a chunk at a time, and the sums of its gradients."""

    def __init__(
        self,
        features: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        target: Tensor,
        smoothing: Smoothing,
        size: int,
        wanted: tuple[bool, ...],
    ) -> None:
        self.features, self.weight, self.bias, self.smoothing = features, weight, bias, smoothing
        self.counts, self.labels = counted_labels(target, smoothing)
        self.size = max(1, min(size, len(features)))
        exact = accumulation_dtype(features.dtype)
        self._logits = features.new_empty((self.size, len(weight)))
        self.kernels = row_kernels(self._logits)
        self._probabilities = self._logits.new_empty(self._logits.shape if self.kernels is None else (0,), dtype=exact)
        # Many chunks add to these: in a half-precision type little of the later ones would arrive.
        self.grad_features = torch.empty_like(features) if wanted[0] else None
        self.grad_weight = torch.zeros_like(weight, dtype=exact) if wanted[1] else None
        self.grad_bias = torch.zeros_like(bias, dtype=exact) if bias is not None and wanted[2] else None

    def logits(self, rows: slice) -> Tensor:
        x, out = self.features[rows], self._logits[: rows.stop - rows.start]
        if self.bias is None:
            return torch.mm(x, self.weight.t(), out=out)
        return torch.addmm(self.bias, x, self.weight.t(), out=out)

    def probabilities(self, rows: slice) -> Tensor:
        return self._probabilities[: rows.stop - rows.start]

    def values(self, rows: slice, with_correct: bool) -> RowValues:
        logits, labels = self.logits(rows), self.labels[rows]
        if self.kernels is not None:
            return self.kernels.row_values(logits, labels, with_correct)
        return row_values(logits, labels, self.probabilities(rows), with_correct)

    def values_and_gradients(self, rows: slice, with_correct: bool, scale: Tensor | None) -> RowValues:
        """Adds to the gradients those of ``scale`` (N,) times each row's loss; of 1 if None, but not by kernels."""
        if self.kernels is None:
            values = self.values(rows, with_correct)
            self._add_from_probabilities(rows, scale)
            return values
        logits = self.logits(rows)
        assert scale is not None
        args = logits, self.labels[rows], with_correct, self.smoothing, scale[rows]
        values = self.kernels.values_and_gradient_(*args)
        self._add(rows, logits)
        return values

    def gradients_anew(self, rows: slice, nll: Tensor, scale: Tensor) -> None:
        """Adds to the gradients, of values (N,) known already."""
        logits = self.logits(rows)
        if self.kernels is None:
            softmax_into(self.probabilities(rows), logits)
            self._add_from_probabilities(rows, scale)
        else:
            self.kernels.gradient_into(logits, logits, self.labels[rows], nll[rows], self.smoothing, scale[rows])
            self._add(rows, logits)

    def _add_from_probabilities(self, rows: slice, scale: Tensor | None) -> None:
        """These become gradients."""
        probabilities = self.probabilities(rows)
        part = None if scale is None else scale[rows]
        self._add(rows, to_gradient_(probabilities, self.labels[rows], self.smoothing, part))

    def _add(self, rows: slice, exact: Tensor) -> None:
        """Of the gradient of these rows' logits."""
        gradient = exact.to(self.features.dtype)
        if self.grad_features is not None:
            torch.mm(gradient, self.weight, out=self.grad_features[rows])
        if self.grad_weight is not None:
            if gradient.dtype == self.grad_weight.dtype:
                self.grad_weight.addmm_(gradient.t(), self.features[rows])
            else:
                self.grad_weight.add_(torch.mm(gradient.t(), self.features[rows]))
        if self.grad_bias is not None:
            self.grad_bias.add_(exact.sum(0, dtype=self.grad_bias.dtype))

    def gradients(self) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        dtype = self.features.dtype
        weight = None if self.grad_weight is None else self.grad_weight.to(dtype)
        bias = None if self.grad_bias is None else self.grad_bias.to(dtype)
        return self.grad_features, weight, bias


class _FromFeatures(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        target: Tensor,
        smoothing: Smoothing,
        chunk: int,
        reduce: bool,
        with_correct: bool,
        at_once: bool,
    ) -> SmoothedLoss:
        wanted = tuple(at_once and need for need in ctx.needs_input_grad[:3])
        at_once = any(wanted)
        chunks = _Chunks(features, weight, bias, target, smoothing, chunk, wanted)
        nll, smooth = features.new_empty((2, len(features)), dtype=accumulation_dtype(features.dtype))
        correct = torch.empty_like(chunks.counts) if with_correct else None
        all_count = features.device.type == "cpu" and chunks.kernels is None and bool(chunks.counts.all())
        scale = None if all_count else chunks.counts.to(nll.dtype)
        for rows in blocks(len(features), chunks.size):
            if at_once:
                values = chunks.values_and_gradients(rows, with_correct, scale)
            else:
                values = chunks.values(rows, with_correct)
            nll[rows], smooth[rows] = values.nll, values.smooth
            if correct is not None and values.correct is not None:
                correct[rows] = values.correct
        ctx.at_once = at_once
        if at_once:
            ctx.save_for_backward(*chunks.gradients())
        else:
            ctx.save_for_backward(features, weight, bias, target, nll)
            ctx.smoothing, ctx.chunk = smoothing, chunk
        out = combine(nll, smooth, correct, chunks.counts, len(weight), smoothing, reduce)
        ctx.mark_non_differentiable(*(value for value in out[1:] if value is not None))
        return tuple(out)  # type: ignore[return-value]  # autograd wants a plain one

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        rest = (None,) * 6
        if ctx.at_once:
            return *(None if gradient is None else _times(gradient, grad_loss) for gradient in ctx.saved_tensors), *rest
        features, weight, bias, target, nll = ctx.saved_tensors
        chunks = _Chunks(features, weight, bias, target, ctx.smoothing, ctx.chunk, ctx.needs_input_grad[:3])
        scale = grad_loss * chunks.counts
        for rows in blocks(len(features), chunks.size):
            chunks.gradients_anew(rows, nll, scale)
        return *chunks.gradients(), *rest


def _times(gradient: Tensor, factor: Tensor) -> Tensor:
    """In the accurate type, whose factor a half-precision one would round; not in place, for a second backward."""
    return (gradient.to(factor.dtype) * factor).to(gradient.dtype)
