"""Attention without cuDNN, which makes a plan for every shape that it has not seen."""

from __future__ import annotations

import torch


def install() -> None:
    """Take cuDNN out of what torch chooses attention from, in this process.

    On Hopper and data-centre Blackwell newer torch asks cuDNN first in half precision, which takes 0.15 s and more to
    plan for a new shape, and fairseq's batches have hundreds. ``torch.backends.cuda.enable_cudnn_sdp(True)`` afterwards
    brings it back.
    """
    torch.backends.cuda.enable_cudnn_sdp(False)
