"""The options of SSE's rivals."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass
from typing import Any, Optional

from fairseq.dataclass import FairseqDataclass

from sse_nmt.methods.noise import NOISES
from sse_nmt.system.options import finite, one_of, option

SSE = "sse"
KINDS = (SSE, *NOISES)
_OF_SSE = (
    "sse_prob_source", "sse_prob_target", "sse_graph_source", "sse_graph_target", "sse_graph", "sse_rho",
    "sse_neighbour_mass",
)  # fmt: skip
_RATES = "; ".join(f"{kind}: {noise.what} ({noise.rate})" for kind, noise in NOISES.items())


@dataclass
class NoiseConfig(FairseqDataclass):
    embedding_noise: str = option(
        SSE,
        f"what perturbs embeddings in training: {', '.join(KINDS)}; another one takes the place of SSE",
        one_of(KINDS),
        metavar="NAME",
    )
    noise_rate: Optional[float] = option(  # noqa: UP045 (hydra reads Optional, not unions)
        None, f"how strong a noise other than sse is: {_RATES}", finite(0), unset="as in brackets"
    )


def noise_of(cfg: Any) -> str | None:
    """The rival that is asked for, None for SSE. Raises ValueError for options that would be given in vain."""
    if cfg.embedding_noise == SSE:
        if cfg.noise_rate is not None:
            raise ValueError(
                f"`--noise-rate` needs another `--embedding-noise` than {SSE}, whose rate is `--sse-prob`."
            )
        return None
    for name in _OF_SSE:
        if getattr(cfg, name, None) is not None:
            raise ValueError(
                f"`--{name.replace('_', '-')}` is for SSE, but `--embedding-noise` is {cfg.embedding_noise}."
            )
    noise: str = cfg.embedding_noise
    return noise


def rate_of(cfg: Any) -> float:
    """Of the rival that is asked for."""
    return NOISES[cfg.embedding_noise].rate if cfg.noise_rate is None else float(cfg.noise_rate)
