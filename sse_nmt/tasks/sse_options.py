"""The SSE options of a fairseq task: every default and every check, in one place, for any task to inherit."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass, field
from typing import Optional

from fairseq.dataclass import FairseqDataclass
from omegaconf import II

from sse_nmt.sse.knowledge_graph import check_rho
from sse_nmt.sse.transition import check_probability

NEIGHBOUR_MASS = 0.5  # where a graph is given, and neither --sse-rho nor --sse-neighbour-mass


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
    sse_graph_source: Optional[str] = field(  # noqa: UP045
        default=None,
        metadata={"help": "knowledge graph (a file of `sse-nmt graph build`) along which source ids are replaced"},
    )
    sse_graph_target: Optional[str] = field(  # noqa: UP045
        default=None,
        metadata={"help": "the same for the previous output tokens of the decoder, and for gold labels"},
    )
    sse_rho: Optional[float] = field(  # noqa: UP045
        default=None,
        metadata={"help": "how many times as likely as another id a neighbour in the graph is"},
    )
    sse_neighbour_mass: Optional[float] = field(  # noqa: UP045
        default=None,
        metadata={
            "help": "instead of --sse-rho: share of a row's replacements that goes to its neighbours "
            f"(default with a graph: {NEIGHBOUR_MASS})"
        },
    )
    sse_candidates_source: Optional[str] = field(  # noqa: UP045
        default=None,
        metadata={
            "help": "segmented text (such as pieces/train.en): only its tokens are replaced, and replace, on the "
            "source side; none: every word of the dictionary, be it of the other language"
        },
    )
    sse_candidates_target: Optional[str] = field(  # noqa: UP045
        default=None,
        metadata={"help": "the same for the previous output tokens of the decoder, and for gold labels"},
    )
    seed: int = II("common.seed")


@dataclass(frozen=True)
class Along:
    """A knowledge graph's file, and how much more likely than others its neighbours are: one of the two."""

    path: str
    rho: Optional[float]  # noqa: UP045
    neighbour_mass: Optional[float]  # noqa: UP045


def source_probability(cfg: SSEConfig) -> float:
    """p0 of the encoder's look-ups. Raises ValueError outside [0, 1]."""
    return _side_probability(cfg, "sse_prob_source")


def target_probability(cfg: SSEConfig) -> float:
    """p0 of the decoder's look-ups. Raises ValueError outside [0, 1]."""
    return _side_probability(cfg, "sse_prob_target")


def label_probability(cfg: SSEConfig) -> float:
    """p0 of the gold labels. Raises ValueError outside [0, 1]."""
    return check_probability(_flag("sse_prob_label"), cfg.sse_prob_label)


def source_graph(cfg: SSEConfig) -> Optional[Along]:  # noqa: UP045
    """What the encoder's ids are replaced along, None for SSE-SE. Raises ValueError for options that cannot be."""
    return _along(cfg, cfg.sse_graph_source)


def target_graph(cfg: SSEConfig) -> Optional[Along]:  # noqa: UP045
    """The same for the decoder's ids and the labels."""
    return _along(cfg, cfg.sse_graph_target)


def _along(cfg: SSEConfig, path: Optional[str]) -> Optional[Along]:  # noqa: UP045
    rho, mass = cfg.sse_rho, cfg.sse_neighbour_mass
    if rho is not None and mass is not None:
        raise ValueError(f"`--sse-rho` must not be given beside `--sse-neighbour-mass`, but is {rho}.")
    for name, value, check in (("sse_rho", rho, check_rho), ("sse_neighbour_mass", mass, check_probability)):
        if value is None:
            continue
        check(_flag(name), value)
        if cfg.sse_graph_source is None and cfg.sse_graph_target is None:
            raise ValueError(
                f"`{_flag(name)}` needs `--sse-graph-source` or `--sse-graph-target`, but neither is given."
            )
    if path is None:
        return None
    return Along(path, rho, NEIGHBOUR_MASS if rho is None and mass is None else mass)


def _side_probability(cfg: SSEConfig, name: str) -> float:
    own = getattr(cfg, name)
    if own is None:
        return check_probability(_flag("sse_prob"), cfg.sse_prob)
    return check_probability(_flag(name), own)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
