"""Both forms of the loss by Triton's interpreter and in torch; with TRITON_INTERPRET=1 in the environment."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from sse_nmt.methods.losses import (
    SmoothedLoss,
    kernels,
    label_smoothed_cross_entropy,
    linear_label_smoothed_cross_entropy,
)
from sse_nmt.methods.losses.label_smoothing import Smoothing
from sse_nmt.methods.losses.linear_cross_entropy import _FromFeatures

PAD, ROWS, WIDTH = 1, 11, 8
TOLERANCE = {torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 3e-2}
Loss = Callable[..., SmoothedLoss]


def on_logits(overwrite: bool) -> Loss:
    def loss(features: Tensor, weight: Tensor, bias: Tensor, target: Tensor, reduce: bool) -> SmoothedLoss:
        logits = F.linear(features, weight, bias)
        words = {"ignore_index": PAD, "reduce": reduce, "overwrite": overwrite, "with_correct": True}
        return label_smoothed_cross_entropy(logits, target, 0.1, **words)

    return loss


def in_chunks(features: Tensor, weight: Tensor, bias: Tensor, target: Tensor, reduce: bool) -> SmoothedLoss:
    words = {"ignore_index": PAD, "reduce": reduce, "chunk": 4, "with_correct": True}
    return linear_label_smoothed_cross_entropy(features, weight, bias, target, 0.1, **words)


def in_chunks_of_all(features: Tensor, weight: Tensor, bias: Tensor, target: Tensor, reduce: bool) -> SmoothedLoss:
    """As on a GPU, where rows of padding are not left out beforehand."""
    at_once = reduce and features.dtype != torch.float16
    return SmoothedLoss(
        *_FromFeatures.apply(features, weight, bias, target, Smoothing(0.1, PAD), 4, reduce, True, at_once)
    )


def overwritten_too_early() -> None:
    """What others need of logits that a kernel writes over, autograd must refuse."""
    kernels.triton_runs = lambda device: True
    leaf = torch.randn(4, 9, requires_grad=True)
    logits = leaf * 1.0
    squares = logits.square().sum()
    loss = label_smoothed_cross_entropy(logits, torch.tensor([1, 2, 3, 4]), 0.1, overwrite=True).loss
    loss.backward(retain_graph=True)
    for late in (loss, squares):
        try:
            late.backward()
        except RuntimeError as error:
            assert "modified by an inplace operation" in str(error)
        else:
            raise AssertionError("a gradient from logits that are no more")


def example(labels: int, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Features, weight, bias (for float32 with an offset), labels with padding."""
    generator = torch.Generator().manual_seed(1)
    features, weight = (torch.randn(rows, WIDTH, generator=generator) for rows in (ROWS, labels))
    bias = torch.randn(labels, generator=generator)
    if dtype == torch.float32:
        bias += 1000.0
    target = torch.randint(labels, (ROWS,), generator=generator)
    target[::4] = PAD
    return *(each.to(dtype).requires_grad_() for each in (features, weight, bias)), target


def evaluated(loss: Loss, inputs: tuple[Tensor, ...], reduce: bool, by_kernels: bool) -> list[Tensor]:
    """Loss, negative log-likelihood, right ones and gradients."""
    kernels.triton_runs = lambda device: by_kernels
    out = loss(*inputs, reduce)
    (grad_loss,) = torch.autograd.grad(out.loss.sum() * 1.0, out.loss, retain_graph=True)
    return [out.loss, out.nll, out.correct, *torch.autograd.grad(out.loss, inputs[:3], grad_loss * 3.0)]


if __name__ == "__main__":
    overwritten_too_early()
    forms = [on_logits(False), on_logits(True), in_chunks, in_chunks_of_all]
    for loss, labels, (dtype, tolerance), reduce in itertools.product(
        forms, (17, 5000), TOLERANCE.items(), (True, False)
    ):
        inputs = example(labels, dtype)
        without = evaluated(loss, inputs, reduce, by_kernels=False)
        assert kernels.row_kernels(inputs[0]) is None
        found = evaluated(loss, inputs, reduce, by_kernels=True)
        assert kernels.row_kernels(inputs[0]) is not None
        assert torch.equal(found[2], without[2]), (labels, dtype)
        for one, other in zip(found, without, strict=True):
            exact = other.detach().double()
            error = float((one.detach().double() - exact).norm() / exact.norm().clamp(min=1e-9))
            assert error < tolerance and one.dtype == other.dtype, (labels, dtype, reduce, error)
    masked = torch.zeros(2, 9000, requires_grad=True)  # whole blocks of labels that cannot be
    logits = masked.masked_fill(torch.arange(9000) < 8500, float("-inf"))
    out = label_smoothed_cross_entropy(logits, torch.tensor([8600, 0]), 0.0, reduce=False)
    assert torch.allclose(out.loss, torch.tensor([500.0, torch.inf]).log()), out.loss
    ties = torch.tensor([[1.0, 3.0, 3.0], [1.0, 3.0, 3.0], [1.0, 2.0, 3.0]], requires_grad=True) * 1.0
    assert label_smoothed_cross_entropy(
        ties, torch.tensor([1, 2, 2]), 0.1, reduce=False, with_correct=True
    ).correct.tolist() == [True, False, True]
    print("every case")
