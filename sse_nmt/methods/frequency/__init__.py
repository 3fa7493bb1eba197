"""Frequency-aware SGD for embedding tables (Li et al., ICLR 2022) in plain PyTorch."""

from sse_nmt.methods.frequency.optimizer import FrequencyAwareSGD
from sse_nmt.methods.frequency.row_frequencies import row_frequencies
from sse_nmt.methods.frequency.row_recorder import RowRecorder
from sse_nmt.methods.frequency.step_sizes import cf_step_sizes, fa_step_sizes
from sse_nmt.methods.frequency.tables import embedding_tables

__all__ = [
    "FrequencyAwareSGD",
    "RowRecorder",
    "cf_step_sizes",
    "embedding_tables",
    "fa_step_sizes",
    "row_frequencies",
]
