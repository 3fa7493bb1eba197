"""The options of factorised layers: every default and every check, in one place, for any task to inherit."""

# No postponed annotations here: fairseq reads the types of the fields.
import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Optional

from fairseq.dataclass import FairseqDataclass

LAYERS = ("ffn", "embeddings", "output")
STARTS = ("spectral", "fresh")
PAIRS = ("attention", "low_rank")


@dataclass
class FactorizedConfig(FairseqDataclass):
    spectral_attention: bool = field(
        default=False,
        metadata={"help": "begin with balanced pairs of attention matrices: query with key, output with value"},
    )
    low_rank_scale: Optional[float] = field(  # noqa: UP045 (hydra reads Optional, not unions)
        default=None,
        metadata={"help": "factorise layers, with a rank of this times the smaller side of their matrix"},
    )
    low_rank_layers: str = field(
        default="ffn",
        metadata={"help": f"which layers --low-rank-scale factorises: some of {','.join(LAYERS)}"},
    )
    low_rank_init: str = field(
        default="spectral",
        metadata={"help": f"from what they begin: {' or '.join(STARTS)} (spectral: what they would begin from whole)"},
    )
    frobenius_decay: float = field(
        default=0.0,
        metadata={"help": "decay of the products of pairs of factors, in place of the weight decay of the factors"},
    )
    frobenius_pairs: Optional[str] = field(  # noqa: UP045
        default=None,
        metadata={"help": f"which pairs --frobenius-decay is for: some of {','.join(PAIRS)} (default: all there are)"},
    )


@dataclass(frozen=True)
class LowRank:
    """Which layers are factorised, and how."""

    scale: float
    layers: frozenset[str]
    spectral: bool


def low_rank(cfg: FactorizedConfig) -> Optional[LowRank]:  # noqa: UP045
    """What is factorised, if anything. Raises ValueError for options that cannot be."""
    scale = cfg.low_rank_scale
    layers = _some_of("--low-rank-layers", cfg.low_rank_layers, LAYERS)
    if cfg.low_rank_init not in STARTS:
        raise ValueError(f"`--low-rank-init` must be {' or '.join(STARTS)}, but is {cfg.low_rank_init!r} instead.")
    if scale is None:
        for name in ("low_rank_layers", "low_rank_init"):
            if getattr(cfg, name) != getattr(FactorizedConfig, name):
                flag = "--" + name.replace("_", "-")
                raise ValueError(f"`{flag}` needs `--low-rank-scale`, but that is not given.")
        return None
    if not 0.0 < scale <= 1.0:
        raise ValueError(f"`--low-rank-scale` must be in (0, 1], but is {scale} instead.")
    return LowRank(scale, layers, cfg.low_rank_init == "spectral")


def frobenius_decay(cfg: FactorizedConfig) -> float:
    """λ, 0 for none. Raises ValueError if it cannot be one."""
    decay = cfg.frobenius_decay
    if not 0.0 <= decay < math.inf:
        raise ValueError(f"`--frobenius-decay` must be at least 0 and finite, but is {decay} instead.")
    return decay


def frobenius_pairs(cfg: FactorizedConfig) -> frozenset[str]:
    """Whose pairs λ is for. Raises ValueError for options that cannot be."""
    factorised = low_rank(cfg) is not None
    if cfg.frobenius_pairs is None:
        return frozenset(PAIRS if factorised else ("attention",))
    pairs = _some_of("--frobenius-pairs", cfg.frobenius_pairs, PAIRS)
    if not frobenius_decay(cfg):
        raise ValueError("`--frobenius-pairs` needs `--frobenius-decay`, but that is not given.")
    if "low_rank" in pairs and not factorised:
        raise ValueError("`--frobenius-pairs low_rank` needs `--low-rank-scale`, but that is not given.")
    return pairs


def _some_of(flag: str, words: str, known: Collection[str]) -> frozenset[str]:
    found = [word.strip() for word in words.split(",")]
    for word in found:
        if word not in known:
            raise ValueError(f"`{flag}` must be some of {','.join(known)}, but has {word!r} in it.")
    return frozenset(found)
