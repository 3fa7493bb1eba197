"""Dropout that costs a processor less, PyTorch only."""

from sse_nmt.dropout.sixteen_bits import dropout_16bit

__all__ = ["dropout_16bit"]
