"""The output layer and its loss alone, fairseq's, ours and others': what they need in memory shows best so."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import torch
from torch import Tensor
from torch.nn import functional as F

from sse_nmt.bench.step_server import PAD, StepSpec, TokenBatch, Variant, serve
from sse_nmt.methods.losses import label_smoothed_cross_entropy, linear_label_smoothed_cross_entropy

CHUNK = 4096 if torch.cuda.is_available() else 512
Loss = Callable[[Tensor, Tensor, Tensor, float], Tensor]


def fairseqs(features: Tensor, weight: Tensor, target: Tensor, epsilon: float) -> Tensor:
    """As its criterion goes about it: get_normalized_probs, then label_smoothed_nll_loss."""
    from fairseq import utils
    from fairseq.criterions.label_smoothed_cross_entropy import label_smoothed_nll_loss

    logits = F.linear(features, weight)  # which its criterion holds until the loss is there
    log_probabilities = utils.log_softmax(logits, dim=-1)
    return label_smoothed_nll_loss(log_probabilities, target, epsilon, ignore_index=PAD)[0]


def fused(features: Tensor, weight: Tensor, target: Tensor, epsilon: float) -> Tensor:
    logits = F.linear(features, weight)
    return label_smoothed_cross_entropy(logits, target, epsilon, ignore_index=PAD, overwrite=True).loss


def in_chunks(features: Tensor, weight: Tensor, target: Tensor, epsilon: float) -> Tensor:
    return linear_label_smoothed_cross_entropy(
        features, weight, None, target, epsilon, chunk=CHUNK, ignore_index=PAD
    ).loss


def torchs(features: Tensor, weight: Tensor, target: Tensor, epsilon: float) -> Tensor:
    smoothing = _as_torchs(epsilon, len(weight))
    return F.linear_cross_entropy(
        features, weight, target, ignore_index=PAD, reduction="sum", label_smoothing=smoothing
    )


def ligers(features: Tensor, weight: Tensor, target: Tensor, epsilon: float) -> Tensor:
    from liger_kernel.transformers import LigerFusedLinearCrossEntropyLoss  # type: ignore[import-not-found]

    smoothing = _as_torchs(epsilon, len(weight))
    return LigerFusedLinearCrossEntropyLoss(ignore_index=PAD, label_smoothing=smoothing, reduction="sum")(
        weight, features, target
    )


def _as_torchs(epsilon: float, classes: int) -> float:
    """torch shares ε among all classes, fairseq among all but the label."""
    return epsilon * classes / (classes - 1)


def anchors() -> dict[str, Loss]:
    """Others' losses that are here: newer torch has one, Liger's needs a GPU."""
    found: dict[str, Loss] = {"torch": torchs} if hasattr(F, "linear_cross_entropy") else {}
    if torch.cuda.is_available() and importlib.util.find_spec("liger_kernel") is not None:
        found["Liger"] = ligers
    return found


VARIANTS = {"fairseq": fairseqs, "fused loss": fused, "fused loss in chunks": in_chunks, **anchors()}


def make(variant: str, spec: StepSpec, batches: list[TokenBatch]) -> Variant:
    """Forward and backward for all target tokens of a batch, from seeded features (N, embed_dim)."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    targets = [pair.target.flatten().to(device) for pair in batches]
    weight = torch.randn(spec.vocab_size, spec.embed_dim).mul_(spec.embed_dim**-0.5).to(device).requires_grad_()
    features = [torch.randn(len(target), spec.embed_dim).to(device).requires_grad_() for target in targets]
    loss = VARIANTS[variant]

    def step(number: int) -> float:
        weight.grad = features[number].grad = None
        value = loss(features[number], weight, targets[number], spec.label_smoothing)
        value.backward()
        return float(value) / int(targets[number].ne(PAD).sum())

    return Variant(step, weight.numel(), f"ve-fairseq {version('ve-fairseq')}")


if __name__ == "__main__":
    serve(partial(make, sys.argv[2]))
