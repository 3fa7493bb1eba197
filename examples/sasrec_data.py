"""Users' histories as text for fairseq: a user a line, a film a token, in the order of time.

    python examples/sasrec_data.py data/sasrec

Training has all but the last two films of a user, and of these the last hundred; validation all but the last, test
all: a model is asked for the last. Beside them are `dict.txt`, all films for `fairseq-preprocess --srcdict`, and
`edges.tsv`, the films that share an actor, for `sse-nmt graph build edges`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from movielens import Ratings, add_source, films_that_share_an_actor, load_ratings
from runs import start

from sse_nmt.system.atomic_files import write_lines

HELD_OUT = {"train": 2, "valid": 1, "test": 0}  # so many of the last films are left out
SHORTEST = 3


def histories(ratings: Ratings) -> list[list[str]]:
    """Of each user with at least `SHORTEST` ratings; at the same time, in the order of the file."""
    order = ratings.times.argsort(stable=True)
    films: list[list[str]] = [[] for _ in range(ratings.num_users)]
    for user, item in zip(ratings.users[order].tolist(), ratings.items[order].tolist(), strict=True):
        films[user].append(ratings.item_names[item])
    return [each for each in films if len(each) >= SHORTEST]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--longest", type=int, default=100, help="films of a user to train on (default: 100)")
    add_source(parser)
    options = parser.parse_args()
    ratings = load_ratings(options.folder, options.downloads)
    options.output.mkdir(parents=True, exist_ok=True)
    for split, out in HELD_OUT.items():
        films = (each[: len(each) - out] for each in histories(ratings))
        first = -options.longest if split == "train" else 0
        write_lines(options.output / f"{split}.films", [" ".join(each[first:]) for each in films])
    counts = torch.bincount(ratings.items, minlength=ratings.num_items).tolist()
    films_known = sorted(zip(ratings.item_names, counts, strict=True), key=lambda film: -film[1])
    write_lines(options.output / "dict.txt", [f"{name} {count}" for name, count in films_known])
    if options.folder is None:
        graph = films_that_share_an_actor(ratings, options.downloads)
        names = ratings.item_names
        pairs = ((one, other) for one in range(graph.rows) for other in graph.of(one)[0].tolist() if one < other)
        write_lines(options.output / "edges.tsv", [f"{names[one]}\t{names[other]}" for one, other in pairs])


if __name__ == "__main__":
    start(main)
