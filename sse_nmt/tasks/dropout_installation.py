"""Cheaper dropout masks in a fairseq model, on request."""

from __future__ import annotations

import logging

from fairseq.modules.fairseq_dropout import FairseqDropout
from torch import Tensor, nn

from sse_nmt.dropout import dropout_16bit

logger = logging.getLogger(__name__)


class FastDropout(FairseqDropout):
    """fairseq's dropout with masks from `dropout_16bit` on the processor; on other devices torch's, fast there."""

    def forward(self, x: Tensor, inplace: bool = False) -> Tensor:
        if x.device.type != "cpu" or not (self.training or self.apply_during_inference):
            return super().forward(x, inplace)
        return dropout_16bit(x, self.p)


def install_fast_dropout(model: nn.Module) -> None:
    """Replace every FairseqDropout of the model, in place."""
    found = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if type(child) is FairseqDropout
    ]
    for parent, name, child in found:
        fast = FastDropout(child.p, child.module_name)
        fast.apply_during_inference = child.apply_during_inference
        setattr(parent, name, fast.train(child.training))
    logger.info("fast dropout: %d modules with masks of 16 random bits a number", len(found))
