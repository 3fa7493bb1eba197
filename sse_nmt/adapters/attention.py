"""Attention without cuDNN, which makes a plan for every shape that it has not seen."""

from __future__ import annotations

import torch


def install() -> None:
    """Take cuDNN out of what torch chooses attention from, in this process.

    On GPUs of the Hopper generation and newer torch asks cuDNN first, which takes about a second to plan for a new
    shape; fairseq's batches have hundreds. ``torch.backends.cuda.enable_cudnn_sdp(True)`` afterwards brings it back.
    """
    torch.backends.cuda.enable_cudnn_sdp(False)
