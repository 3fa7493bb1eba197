"""What attention costs at shapes that it has not seen: batches of translation have hundreds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from fairseq.modules import MultiheadAttention
from torch.nn.attention import SDPBackend, sdpa_kernel

from sse_nmt.bench.gpu_check.findings import Finding
from sse_nmt.bench.timing import Spread, seconds_of

PART = "attention"
_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}
_LENGTHS = (20, 27, 31, 38, 44, 53, 61, 70)  # of sentences, in tokens
_OTHERS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
_WAYS = {
    "as torch chooses, cuDNN too": [SDPBackend.CUDNN_ATTENTION, *_OTHERS],
    "without cuDNN, as trainings with sse_nmt have it": _OTHERS,
}


def check_attention(device: torch.device, embed_dim: int, heads: int, tokens: int, seed: int) -> Iterator[Finding]:
    """Forward and backward of fairseq's self-attention with padding, at each shape twice."""
    torch.manual_seed(seed)
    for precision, dtype in _DTYPES.items():
        attention = MultiheadAttention(embed_dim, heads, dropout=0.1, self_attention=True).to(device, dtype)
        for way, backends in _WAYS.items():
            with sdpa_kernel(backends):
                seconds_of(_call(attention, 10, tokens))  # libraries are loaded
                calls = [_call(attention, length, tokens) for length in _LENGTHS]
                seconds = [(seconds_of(call), seconds_of(call)) for call in calls]
            first, second = (Spread.of([1e3 * each for each in series]) for series in zip(*seconds, strict=True))
            yield Finding(
                PART, f"{way}, {precision}, {tokens:,} tokens", None,
                {"ms, first time": f"{first:.2f}", "ms, second time": f"{second:.2f}"},
            )  # fmt: skip


def _call(attention: MultiheadAttention, length: int, tokens: int) -> Callable[[], None]:
    """As the encoder calls it: (L, B, D) and which of (B, L) is padding."""
    weight = attention.out_proj.weight
    states = torch.randn(length, tokens // length, weight.shape[0], device=weight.device, dtype=weight.dtype)
    padding = torch.zeros(states.shape[1], length, dtype=torch.bool, device=weight.device)
    padding[::2, -2:] = True

    def call() -> None:
        attended, _ = attention(states, states, states, key_padding_mask=padding, need_weights=False)
        attended.sum().backward()

    return call
