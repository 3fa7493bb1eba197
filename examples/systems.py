"""What is compared on MovieLens: SSE and dropout, alone and together, and the options that the two models share."""

from __future__ import annotations

import argparse
from pathlib import Path

from movielens import Ratings, add_source, films_that_share_an_actor

from sse_nmt.methods.perturbation import check_probability
from sse_nmt.methods.sse import GraphTransition, Transition, UniformTransition
from sse_nmt.system.errors import UserError

SYSTEMS = {  # what is switched on
    "plain": (),
    "dropout": ("dropout",),
    "sse_se": ("sse",),
    "sse_graph": ("sse", "graph"),
    "dropout_sse_se": ("dropout", "sse"),
}


def parse_options(doc: str | None, output: str, **defaults: float) -> argparse.Namespace:
    """From the command line; ``defaults`` are each model's own, of `--dim`, `--lr` and the like."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", choices=SYSTEMS, default="sse_se")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--px", type=float, default=0.005, help="probability that a user is replaced by another")
    parser.add_argument("--py", type=float, default=0.005, help="the same of films")
    parser.add_argument(
        "--neighbour-mass", type=float, default=0.5, help="share of a film's replacements that share an actor with it"
    )
    parser.add_argument("--dropout", type=float, default=0.05)
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    add_source(parser)
    parser.add_argument("--output", type=Path, default=Path(output))
    options = parser.parse_args()
    _check(options)
    return options


def _check(options: argparse.Namespace) -> None:
    try:
        for name in ("px", "py", "neighbour_mass", "dropout"):
            check_probability(f"--{name.replace('_', '-')}", getattr(options, name))
    except ValueError as error:
        raise UserError(str(error)) from None
    for name in ("dim", "batch", "epochs"):
        if (value := getattr(options, name)) < 1:
            raise UserError(f"`--{name}` must be at least 1, but is {value} instead.")


def dropout_of(options: argparse.Namespace) -> float:
    return options.dropout if "dropout" in SYSTEMS[options.system] else 0.0


def transitions(options: argparse.Namespace, data: Ratings) -> tuple[Transition, Transition]:
    """SSE on users, with the paper's px, and on films, with its py; at probability 0 ids stay what they are."""
    on = SYSTEMS[options.system]
    px, py = (options.px, options.py) if "sse" in on else (0.0, 0.0)
    users = UniformTransition(data.num_users, px)
    if "graph" not in on:
        return users, UniformTransition(data.num_items, py)
    graph = films_that_share_an_actor(data, options.downloads, options.folder)
    return users, GraphTransition(data.num_items, py, graph, neighbour_mass=options.neighbour_mass)
