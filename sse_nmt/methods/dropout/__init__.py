"""Dropout that costs a processor less, PyTorch only."""

from sse_nmt.methods.dropout.sixteen_bits import dropout_16bit

__all__ = ["dropout_16bit"]
