"""The option of a processor's half precision."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass

from fairseq.dataclass import FairseqDataclass

from sse_nmt.system.options import option


@dataclass
class PrecisionConfig(FairseqDataclass):
    cpu_bf16: bool = option(
        False, "on CPU, matrix products in bfloat16, those of attention aside; faster where the processor has AMX"
    )
