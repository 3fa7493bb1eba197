"""Losses of sequence models over large vocabularies, PyTorch only."""

from sse_nmt.losses.from_features import linear_label_smoothed_cross_entropy
from sse_nmt.losses.from_logits import label_smoothed_cross_entropy
from sse_nmt.losses.smoothed_rows import SmoothedLoss, Smoothing

__all__ = ["SmoothedLoss", "Smoothing", "label_smoothed_cross_entropy", "linear_label_smoothed_cross_entropy"]
