"""Which products are known to be faster on the processor at hand, from measurements."""

from __future__ import annotations

import torch


def has_amx() -> bool:
    """Whether the processor multiplies tiles of bfloat16, as far as torch can tell."""
    supported = getattr(torch.cpu, "_is_amx_tile_supported", bool)
    return bool(supported())


def bfloat16_is_faster() -> bool:
    """Whether `cpu_bfloat16` is: with AMX, and on AMD's processors from Zen 5 on."""
    return has_amx() or _is_zen_5()


def onednn_is_faster() -> bool:
    """Whether `onednn_products` is: on AMD's processors from Zen 5 on."""
    return _is_zen_5()


def _is_zen_5() -> bool:
    """Or later: the first of AMD's that compute 512 bits at a time, which have both of these instructions."""
    known = torch.cpu.get_capabilities()
    return str(known.get("cpu_name", "")).startswith("AMD") and bool(known.get("avx512_bf16") and known.get("avx_vnni"))
