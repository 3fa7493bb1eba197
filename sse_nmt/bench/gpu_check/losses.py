"""The output layer and its loss: fairseq's, ours, and those of torch and Liger where they are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from torch import Tensor

from sse_nmt.bench.gpu_check.device import kernels, no_waiting, peak_mib
from sse_nmt.bench.gpu_check.findings import Finding
from sse_nmt.bench.loss_step import Loss, anchors, fairseqs, fused
from sse_nmt.bench.step_server import PAD, SPECIALS
from sse_nmt.bench.timing import Spread, interleaved
from sse_nmt.methods.losses import linear_label_smoothed_cross_entropy

PART = "loss"
_EPSILON = 0.1
_TOLERANCE = {torch.float32: 1e-4, torch.float16: 5e-3, torch.bfloat16: 2e-2}  # of gradients, relative
_OURS = "ours"


def check_losses(
    device: torch.device, vocab_size: int, embed_dim: int, tokens: int, rounds: int, seed: int
) -> Iterator[Finding]:
    """Forward and backward from features (N, D), each in turn; gradients against those of float64."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(SPECIALS, vocab_size, (tokens,), generator=generator).to(device)
    target[::17] = PAD
    features, weight = (torch.randn(rows, embed_dim, generator=generator) for rows in (tokens, vocab_size))
    exact = [series.to(device) for series in (features, weight * embed_dim**-0.5)]
    reference = _gradients(fairseqs, [each.double() for each in exact], target)
    for dtype, tolerance in _TOLERANCE.items():
        inputs = [each.to(dtype) for each in exact]
        kind = str(dtype).removeprefix("torch.")
        calls = {f"{name}, {kind}": partial(_gradients, loss, inputs, target) for name, loss in _losses().items()}
        for name, why in _broken(calls).items():
            del calls[name]
            yield Finding(PART, name, False if name.startswith(_OURS) else None, {"error": why})
        seconds = interleaved(list(calls.values()), rounds)
        for (name, call), series in zip(calls.items(), seconds, strict=True):
            error = _distance(call(), reference)
            yield Finding(
                PART, name,
                error < tolerance and _waits(call) == "none" if name.startswith(_OURS) else None,
                {
                    "ms": f"{Spread.of([second * 1e3 for second in series]):.2f}", "peak MiB": peak_mib(call, device),
                    "kernels": kernels(call, device), "relative error": error, "waits": _waits(call),
                },
            )  # fmt: skip


def _broken(calls: Mapping[str, Callable[[], object]]) -> dict[str, str]:
    """What a loss raises, by its name: others' may not know a device or a type."""
    found = {}
    for name, call in calls.items():
        try:
            call()
        except Exception as error:  # of somebody else's kernels
            found[name] = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    return found


def _losses() -> dict[str, Loss]:
    losses: dict[str, Loss] = {"fairseq": fairseqs, f"{_OURS}, whole": fused}
    losses |= {f"{_OURS}, chunks of {size:,}": _in_chunks(size) for size in (512, 4096)}
    return losses | anchors()


def _in_chunks(size: int) -> Loss:
    def loss(features: Tensor, weight: Tensor, target: Tensor, epsilon: float) -> Tensor:
        return linear_label_smoothed_cross_entropy(
            features, weight, None, target, epsilon, chunk=size, ignore_index=PAD
        ).loss

    return loss


def _gradients(loss: Loss, inputs: list[Tensor], target: Tensor) -> tuple[Tensor, ...]:
    features, weight = (each.detach().requires_grad_() for each in inputs)
    return torch.autograd.grad(loss(features, weight, target, _EPSILON), (features, weight))


def _distance(gradients: tuple[Tensor, ...], reference: tuple[Tensor, ...]) -> float:
    """The larger of ‖g − r‖ / ‖r‖; infinite where something is not finite."""
    errors = [float((g.double() - r).norm() / r.norm()) for g, r in zip(gradients, reference, strict=True)]
    return max(error if error == error else float("inf") for error in errors)


def _waits(call: Callable[[], object]) -> str:
    try:
        with no_waiting():
            call()
    except RuntimeError as error:
        if "synchroniz" not in str(error):
            raise
        return "yes"
    return "none"
