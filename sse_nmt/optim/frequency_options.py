"""The options of frequency-aware SGD: every default in one place."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass, field
from typing import Any, List  # noqa: UP035 (fairseq knows this one)

from fairseq.dataclass import FairseqDataclass
from omegaconf import II

BASES = ("adam", "sgd")


@dataclass
class FrequencyAwareConfig(FairseqDataclass):
    frequency_eta_max: float = field(default=1000.0, metadata={"help": "largest step size of an embedding row"})
    base_optimizer: str = field(
        default="adam",
        metadata={"help": "what all other parameters are trained with: adam (as fairseq's, decoupled) or sgd"},
    )
    momentum: float = field(default=0.0, metadata={"help": "momentum of --base-optimizer sgd"})
    adam_betas: Any = field(default=(0.9, 0.999), metadata={"help": "betas of --base-optimizer adam"})
    adam_eps: float = field(default=1e-8, metadata={"help": "epsilon of --base-optimizer adam"})
    weight_decay: float = field(default=0.0, metadata={"help": "weight decay of all but the embedding tables"})
    lr: List[float] = II("optimization.lr")  # noqa: UP006


_ALPHA = {"help": "alpha of the step sizes of embedding rows"}


# The best of 3, 10, 100 (FA) and of 20, 60, 200, 2,000 (CF) at the quickstart's size: 4,000 updates of 1,700 tokens. An
# update counts once for c_k and all its tokens for p_k, so CF-SGD's is the larger.
@dataclass
class FASGDConfig(FrequencyAwareConfig):
    frequency_alpha: float = field(default=10.0, metadata=_ALPHA)
    max_update: int = II("optimization.max_update")


@dataclass
class CFSGDConfig(FrequencyAwareConfig):
    frequency_alpha: float = field(default=60.0, metadata=_ALPHA)
