"""Matrix products that are faster on a processor, PyTorch only."""

from sse_nmt.methods.precision.bfloat16 import cpu_bfloat16, has_amx
from sse_nmt.methods.precision.onednn import onednn_is_faster, onednn_products

__all__ = ["cpu_bfloat16", "has_amx", "onednn_is_faster", "onednn_products"]
