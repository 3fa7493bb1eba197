"""A graph in words, for a person to judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sse_nmt.graphs.coverage import reach
from sse_nmt.graphs.graph_file import GraphFile, load_graph
from sse_nmt.graphs.options import ShowOptions
from sse_nmt.graphs.whole_words import MARK
from sse_nmt.system.errors import UserError
from sse_nmt.system.harmless import printable
from sse_nmt.system.options import check_options


def show_graph(path: Path, tokens: Sequence[str], options: ShowOptions) -> Iterator[str]:
    """Lines: what the graph is, then each token and its neighbours, ``weight token``, the closest first.

    Raises:
        UserError: no graph, an option out of range, or a token it does not know with or without ▁.
    """
    check_options(options)
    file = load_graph(path)
    rows = {token: row for row, token in enumerate(file.tokens)}
    wanted = [row for token in tokens for row in _rows(path, token, rows)]
    yield printable(f"{path}, built by {file.about.get('builder', 'hand')}: {reach(file.graph)}")
    for row in wanted:
        yield from _neighbours(file, row, options.max_neighbours)


def _rows(path: Path, token: str, rows: dict[str, int]) -> list[int]:
    """A word's row and that of the same piece within words: who types it may mean either."""
    found = [rows[name] for name in (MARK + token, token) if name in rows]
    if not found:
        raise UserError(f"A token must stand in {path}, as it is or with {MARK} before it, but is {token!r} instead.")
    return found


def _neighbours(file: GraphFile, row: int, max_neighbours: int) -> Iterator[str]:
    neighbours, weights = (values.tolist() for values in file.graph.of(row))
    candidates = file.graph.candidates is None or bool(file.graph.candidates[row])
    count = f"{len(neighbours):,} neighbour{'s' * (len(neighbours) != 1)}" if candidates else "takes no part"
    closest_ones = f", the closest {max_neighbours}" * (len(neighbours) > max_neighbours)
    yield f"{printable(file.tokens[row])}: {count}{closest_ones}"
    closest = sorted(zip(weights, neighbours, strict=True), key=lambda pair: (-pair[0], pair[1]))
    for weight, neighbour in closest[:max_neighbours]:
        yield f"  {weight:.3f}  {printable(file.tokens[neighbour])}"
