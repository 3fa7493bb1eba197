"""Half precision that pays on a processor, PyTorch only."""

from sse_nmt.methods.precision.bfloat16 import cpu_bfloat16, has_amx

__all__ = ["cpu_bfloat16", "has_amx"]
