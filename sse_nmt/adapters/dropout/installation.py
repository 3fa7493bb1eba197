"""Cheaper dropout masks in a fairseq model, on request."""

from __future__ import annotations

import logging

from fairseq.modules.fairseq_dropout import FairseqDropout
from torch import Tensor, nn

from sse_nmt.methods.dropout import dropout_16bit
from sse_nmt.methods.module_surgery import places_of, replace_submodules

logger = logging.getLogger(__name__)


class FastDropout(FairseqDropout):
    """fairseq's dropout with masks from `dropout_16bit` on the processor; on other devices torch's, fast there."""

    def forward(self, x: Tensor, inplace: bool = False) -> Tensor:
        if x.device.type != "cpu" or not (self.training or self.apply_during_inference):
            return super().forward(x, inplace)
        return dropout_16bit(x, self.p)


def install_fast_dropout(model: nn.Module) -> None:
    """Replace every FairseqDropout of the model, in place."""
    found = {name: child for name, child in places_of(model, FairseqDropout) if type(child) is FairseqDropout}
    replace_submodules(model, {name: _fast(child) for name, child in found.items()})
    logger.info("fast dropout: %d modules with masks of 16 random bits a number", len(found))


def _fast(dropout: FairseqDropout) -> FastDropout:
    fast = FastDropout(dropout.p, dropout.module_name)
    fast.apply_during_inference = dropout.apply_during_inference
    return fast.train(dropout.training)
