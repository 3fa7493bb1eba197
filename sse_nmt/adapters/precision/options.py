"""The option of a processor's half precision."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass

from fairseq.dataclass import FairseqDataclass

from sse_nmt.system.options import option


@dataclass
class PrecisionConfig(FairseqDataclass):
    cpu_bf16: bool = option(
        False,
        "on CPU, matrix products in bfloat16, those of attention aside; faster with AMX, and on AMD's from Zen 5 on",
    )
