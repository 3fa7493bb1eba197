"""The SSE options of a fairseq task: every default and every check, in one place, for any task to inherit."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass, field
from typing import Optional

from fairseq.dataclass import FairseqDataclass
from omegaconf import II

from sse_nmt.sse.transition import check_probability


@dataclass
class SSEConfig(FairseqDataclass):
    sse_prob: float = field(
        default=0.01,
        metadata={"help": "probability that a token id is replaced by another one before the embedding look-up"},
    )
    sse_prob_source: Optional[float] = field(  # noqa: UP045 (hydra reads Optional, not unions)
        default=None,
        metadata={"help": "the same for the source side alone (default: --sse-prob)"},
    )
    sse_prob_target: Optional[float] = field(  # noqa: UP045
        default=None,
        metadata={"help": "the same for the previous output tokens of the decoder (default: --sse-prob)"},
    )
    sse_prob_label: float = field(
        default=0.0,
        metadata={"help": "probability that a gold label is replaced by another id in the training loss"},
    )
    seed: int = II("common.seed")


def source_probability(cfg: SSEConfig) -> float:
    """p0 of the encoder's look-ups. Raises ValueError outside [0, 1]."""
    return _side_probability(cfg, "sse_prob_source")


def target_probability(cfg: SSEConfig) -> float:
    """p0 of the decoder's look-ups. Raises ValueError outside [0, 1]."""
    return _side_probability(cfg, "sse_prob_target")


def label_probability(cfg: SSEConfig) -> float:
    """p0 of the gold labels. Raises ValueError outside [0, 1]."""
    return check_probability(_flag("sse_prob_label"), cfg.sse_prob_label)


def _side_probability(cfg: SSEConfig, name: str) -> float:
    own = getattr(cfg, name)
    if own is None:
        return check_probability(_flag("sse_prob"), cfg.sse_prob)
    return check_probability(_flag(name), own)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
