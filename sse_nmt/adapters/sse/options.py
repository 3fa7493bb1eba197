"""The SSE options of a fairseq task: every default and every check, in one place, for any task to inherit."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass
from typing import Optional

from fairseq.dataclass import FairseqDataclass
from omegaconf import II

from sse_nmt.system.options import at_least, between, finite, option

_OF_SIDES = ("sse_graph_source", "sse_graph_target")
NEIGHBOUR_MASS = 0.5  # where a graph is given, and neither --sse-rho nor --sse-neighbour-mass


@dataclass
class CommonSSEConfig(FairseqDataclass):
    """What every task has."""

    sse_prob: float = option(
        0.01,
        "probability that a token is replaced by another one before it is embedded, in training",
        between(0, 1),
    )
    sse_prob_label: float = option(
        0.0, "probability that a gold label is replaced by another one in the training loss", between(0, 1)
    )
    sse_rho: Optional[float] = option(  # noqa: UP045 (hydra reads Optional, not unions)
        None,
        "with a graph: how many times as likely as any other token a neighbour is to replace a token",
        finite(1),
        unset="set by --sse-neighbour-mass",
    )
    sse_neighbour_mass: Optional[float] = option(  # noqa: UP045
        None,
        "with a graph: share of a token's replacements that are neighbours; in place of --sse-rho",
        between(0, 1),
        unset=f"{NEIGHBOUR_MASS} with a graph",
    )
    sse_warmup_updates: int = option(
        0, "updates over which the probability rises linearly from 0; labels keep theirs", at_least(0)
    )
    sse_decay_updates: int = option(
        0,
        "update by which the probability has fallen linearly to 0 again; 0: it does not; labels keep theirs",
        at_least(0),
    )
    seed: int = II("common.seed")


@dataclass
class SSEConfig(CommonSSEConfig):
    """Of models with an encoder and a decoder."""

    sse_prob_source: Optional[float] = option(  # noqa: UP045
        None, "the same probability for source tokens alone", between(0, 1), unset="that of --sse-prob"
    )
    sse_prob_target: Optional[float] = option(  # noqa: UP045
        None, "the same probability for the decoder's input tokens alone", between(0, 1), unset="that of --sse-prob"
    )
    sse_graph_source: Optional[str] = option(  # noqa: UP045
        None,
        "knowledge graph for source tokens, a file of `sse-nmt graph build`: neighbours replace each other more often",
        unset="any token replaces any other alike",
    )
    sse_graph_target: Optional[str] = option(  # noqa: UP045
        None,
        "knowledge graph for the decoder's input tokens, and for gold labels",
        unset="any token replaces any other alike",
    )
    sse_candidates_source: Optional[str] = option(  # noqa: UP045
        None,
        "segmented text, such as pieces/train.en: on the source side only its tokens are replaced, and replace others",
        unset="the whole dictionary, tokens of the other language included",
    )
    sse_candidates_target: Optional[str] = option(  # noqa: UP045
        None,
        "segmented text: the same for the decoder's input tokens, and for gold labels",
        unset="the whole dictionary, tokens of the other language included",
    )


@dataclass
class OneTableSSEConfig(CommonSSEConfig):
    """Of models with one table of tokens."""

    sse_graph: Optional[str] = option(  # noqa: UP045
        None,
        "knowledge graph, a file of `sse-nmt graph build`: neighbours replace each other more often",
        unset="any token replaces any other alike",
    )
    sse_candidates: Optional[str] = option(  # noqa: UP045
        None, "segmented text: only its tokens are replaced, and replace others", unset="the whole dictionary"
    )


@dataclass(frozen=True)
class GraphOptions:
    """A knowledge graph's file, and how much more likely than others its neighbours are: one of the two."""

    path: str
    rho: Optional[float]  # noqa: UP045
    neighbour_mass: Optional[float]  # noqa: UP045


def source_probability(cfg: SSEConfig) -> float:
    """p0 of the encoder's look-ups."""
    return cfg.sse_prob if cfg.sse_prob_source is None else cfg.sse_prob_source


def target_probability(cfg: SSEConfig) -> float:
    """p0 of the decoder's look-ups."""
    return cfg.sse_prob if cfg.sse_prob_target is None else cfg.sse_prob_target


def graph_of(cfg: OneTableSSEConfig) -> Optional[GraphOptions]:  # noqa: UP045
    """What ids are replaced along, None for SSE-SE. Raises ValueError for options that cannot be."""
    return _along(cfg, cfg.sse_graph, ("sse_graph",))


def source_graph(cfg: SSEConfig) -> Optional[GraphOptions]:  # noqa: UP045
    """What the encoder's ids are replaced along, None for SSE-SE. Raises ValueError for options that cannot be."""
    return _along(cfg, cfg.sse_graph_source, _OF_SIDES)


def target_graph(cfg: SSEConfig) -> Optional[GraphOptions]:  # noqa: UP045
    """The same for the decoder's ids and the labels."""
    return _along(cfg, cfg.sse_graph_target, _OF_SIDES)


def _along(
    cfg: CommonSSEConfig,
    path: Optional[str],  # noqa: UP045
    graphs: tuple[str, ...],
) -> Optional[GraphOptions]:  # noqa: UP045
    rho, mass = cfg.sse_rho, cfg.sse_neighbour_mass
    if rho is not None and mass is not None:
        raise ValueError(f"`--sse-rho` must not be given beside `--sse-neighbour-mass`, but is {rho}.")
    for name, value in (("sse_rho", rho), ("sse_neighbour_mass", mass)):
        if value is not None and all(getattr(cfg, graph) is None for graph in graphs):
            needed = " or ".join(f"`{_flag(graph)}`" for graph in graphs)
            none = "neither is given" if len(graphs) > 1 else "it is not given"
            raise ValueError(f"`{_flag(name)}` needs {needed}, but {none}.")
    if path is None:
        return None
    return GraphOptions(path, rho, NEIGHBOUR_MASS if rho is None and mass is None else mass)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
