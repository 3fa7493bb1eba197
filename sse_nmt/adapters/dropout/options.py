"""The options of cheaper dropout."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass

from fairseq.dataclass import FairseqDataclass

from sse_nmt.system.options import option


@dataclass
class DropoutConfig(FairseqDataclass):
    fast_dropout: bool = option(
        False, "cheaper dropout masks on CPU; they are other masks, so results differ by chance"
    )
