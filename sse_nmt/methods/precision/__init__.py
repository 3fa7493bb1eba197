"""Matrix products that are faster on a processor, PyTorch only."""

from sse_nmt.methods.precision.bfloat16 import cpu_bfloat16
from sse_nmt.methods.precision.onednn import onednn_products
from sse_nmt.methods.precision.processors import bfloat16_is_faster, has_amx, onednn_is_faster

__all__ = ["bfloat16_is_faster", "cpu_bfloat16", "has_amx", "onednn_is_faster", "onednn_products"]
