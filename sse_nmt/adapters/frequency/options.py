"""The options of frequency-aware SGD: every default in one place."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass
from typing import Any, List  # noqa: UP035 (fairseq knows this one)

from fairseq.dataclass import FairseqDataclass
from omegaconf import II

from sse_nmt.system.options import above, either, option

BASES = ("adam", "sgd")
OPTIMIZERS = ("fa_sgd", "cf_sgd")  # that are told of embedding tables


@dataclass
class FrequencyAwareConfig(FairseqDataclass):
    frequency_eta_max: float = option(1000.0, "largest step size of an embedding row", above(0))
    base_optimizer: str = option(
        "adam",
        "what trains all parameters that are no embedding table: adam (decoupled weight decay, as fairseq's) or sgd",
        either(*BASES),
    )
    momentum: float = option(0.0, "momentum of --base-optimizer sgd")
    adam_betas: Any = option((0.9, 0.999), "betas of --base-optimizer adam")
    adam_eps: float = option(1e-8, "epsilon of --base-optimizer adam")
    weight_decay: float = option(0.0, "weight decay of all parameters but the embedding tables")
    lr: List[float] = II("optimization.lr")  # noqa: UP006


_ALPHA = "alpha of the step sizes of embedding rows: the larger, the longer the steps"


# The best of 3, 10, 100 (FA) and of 20, 60, 200, 2,000 (CF) at the quickstart's size: 4,000 updates of 1,700 tokens. An
# update counts once for c_k and all its tokens for p_k, so CF-SGD's is the larger.
@dataclass
class FASGDConfig(FrequencyAwareConfig):
    frequency_alpha: float = option(10.0, _ALPHA, above(0))
    max_update: int = II("optimization.max_update")


@dataclass
class CFSGDConfig(FrequencyAwareConfig):
    frequency_alpha: float = option(60.0, _ALPHA, above(0))
