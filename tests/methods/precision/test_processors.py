"""Which products are known to be faster on which processor."""

from __future__ import annotations

import pytest
import torch

from sse_nmt.methods.precision import bfloat16_is_faster, onednn_is_faster


@pytest.mark.parametrize(
    ("name", "flags", "amx", "onednn", "bfloat16"),
    [
        ("AMD EPYC 9755", {"avx512_bf16": True, "avx_vnni": True}, False, True, True),
        ("AMD EPYC 9654", {"avx512_bf16": True, "avx_vnni": False}, False, False, False),  # Zen 4: 256 bits at a time
        ("AMD EPYC 7763", {"avx512_bf16": False, "avx_vnni": False}, False, False, False),
        ("Intel(R) Xeon(R) Platinum 8481C", {"avx512_bf16": True, "avx_vnni": True}, True, False, True),
        ("Intel(R) Xeon(R) Platinum 8380H", {"avx512_bf16": True, "avx_vnni": False}, False, False, False),
        (None, {}, False, False, False),
    ],
)
def test_products_that_were_measured(monkeypatch, name, flags, amx, onednn, bfloat16):
    known = flags if name is None else {"cpu_name": name, **flags}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    assert (onednn_is_faster(), bfloat16_is_faster()) == (onednn, bfloat16)
