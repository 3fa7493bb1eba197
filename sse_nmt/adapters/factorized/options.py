"""The options of factorised layers: every default and every check, in one place, for any task to inherit."""

# No postponed annotations here: fairseq reads the types of the fields.
from collections.abc import Collection
from dataclasses import dataclass
from typing import Optional

from fairseq.dataclass import FairseqDataclass

from sse_nmt.system.options import between, either, finite, option

LAYERS = ("ffn", "embeddings", "output")
STARTS = ("spectral", "fresh")
PAIRS = ("attention", "low_rank")


@dataclass
class FactorizedConfig(FairseqDataclass):
    spectral_attention: bool = option(
        False, "balance pairs of attention matrices at the start: query with key, output with value, head by head"
    )
    low_rank_scale: Optional[float] = option(  # noqa: UP045 (hydra reads Optional, not unions)
        None,
        "replace layers by products of two thin matrices, of a rank that is this share of the smaller side",
        between(0, 1, "(]"),
        unset="no layer is replaced",
    )
    low_rank_layers: str = option("ffn", f"which layers --low-rank-scale replaces: some of {','.join(LAYERS)}")
    low_rank_init: str = option(
        "spectral",
        "how the factors begin: spectral (from the singular values of the matrix they replace) or fresh (at random)",
        either(*STARTS),
    )
    frobenius_decay: float = option(
        0.0, "decay of the products of pairs of factors, in place of the weight decay of each factor", finite(0)
    )
    frobenius_pairs: Optional[str] = option(  # noqa: UP045
        None, f"which pairs --frobenius-decay is for: some of {','.join(PAIRS)}", unset="all there are"
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
    if scale is None:
        for name in ("low_rank_layers", "low_rank_init"):
            if getattr(cfg, name) != getattr(FactorizedConfig, name):
                flag = "--" + name.replace("_", "-")
                raise ValueError(f"`{flag}` needs `--low-rank-scale`, but that is not given.")
        return None
    return LowRank(scale, layers, cfg.low_rank_init == "spectral")


def frobenius_pairs(cfg: FactorizedConfig) -> frozenset[str]:
    """Whose pairs λ is for. Raises ValueError for options that cannot be."""
    factorised = low_rank(cfg) is not None
    if cfg.frobenius_pairs is None:
        return frozenset(PAIRS if factorised else ("attention",))
    pairs = _some_of("--frobenius-pairs", cfg.frobenius_pairs, PAIRS)
    if not cfg.frobenius_decay:
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
