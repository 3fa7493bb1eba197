"""Frequency-aware SGD for embedding tables (Li et al., ICLR 2022) in plain PyTorch."""

from sse_nmt.frequency.row_frequencies import row_frequencies
from sse_nmt.frequency.tables import embedding_tables

__all__ = ["embedding_tables", "row_frequencies"]
