"""bfloat16 on a processor, in plain PyTorch."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sse_nmt.methods.precision import cpu_bfloat16


def heads(seed: int) -> torch.Tensor:
    return torch.randn(2, 2, 5, 4, generator=torch.Generator().manual_seed(seed)).bfloat16().requires_grad_()


@pytest.mark.parametrize("masked", [False, True])
def test_products_are_in_bfloat16_and_attention_is_that_of_float32(masked):
    query, key, value = (heads(seed) for seed in range(3))
    mask = torch.zeros(5, 5, dtype=torch.bfloat16).fill_diagonal_(-1.0) if masked else None
    expected = functional.scaled_dot_product_attention(
        query.float(), key.float(), value.float(), None if mask is None else mask.float()
    )
    with cpu_bfloat16():
        assert functional.linear(torch.ones(1, 4), torch.ones(3, 4)).dtype == torch.bfloat16
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    assert found.dtype == torch.float32 and torch.equal(found, expected)
    found.sum().backward()
    assert query.grad is not None and query.grad.dtype == torch.bfloat16


def test_a_layer_trains_close_to_float32():
    torch.manual_seed(1)
    layer = torch.nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    x = torch.randn(3, 7, 16)
    layer(x).square().sum().backward()
    exact = {name: parameter.grad.clone() for name, parameter in layer.named_parameters()}
    layer.zero_grad()
    with cpu_bfloat16():
        loss = layer(x).square().sum()
    loss.backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad.dtype == torch.float32
        assert (parameter.grad - exact[name]).norm() < 0.03 * exact[name].norm() + 0.05, name


def test_attention_is_put_back_after_an_error():
    attention = functional.scaled_dot_product_attention
    with pytest.raises(RuntimeError, match="no"), cpu_bfloat16():
        assert functional.scaled_dot_product_attention is not attention
        raise RuntimeError("no")
    assert functional.scaled_dot_product_attention is attention and not torch.is_autocast_enabled("cpu")
