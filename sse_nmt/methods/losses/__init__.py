"""Losses of sequence models over large vocabularies, PyTorch only."""

from sse_nmt.methods.losses.cross_entropy import label_smoothed_cross_entropy
from sse_nmt.methods.losses.label_smoothing import SmoothedLoss, Smoothing
from sse_nmt.methods.losses.linear_cross_entropy import linear_label_smoothed_cross_entropy

__all__ = ["SmoothedLoss", "Smoothing", "label_smoothed_cross_entropy", "linear_label_smoothed_cross_entropy"]
