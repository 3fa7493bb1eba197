"""What all builders end with: a file, and a line that says how far the graph reaches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sse_nmt.graphs.coverage import Coverage, reach
from sse_nmt.graphs.graph_file import GraphFile, save_graph
from sse_nmt.graphs.lookup import Lookup
from sse_nmt.graphs.merge import merge_graphs
from sse_nmt.graphs.vocabulary import Vocabulary
from sse_nmt.graphs.weighted_edges import Matrix, as_graph
from sse_nmt.progress import say


def write_graph(
    path: Path,
    matrix: Matrix,
    vocabulary: Vocabulary,
    about: dict[str, Any],
    lookup: Lookup | None = None,
    taking_part: NDArray[np.bool_] | None = None,
) -> None:
    """Save the graph of ``matrix``, among the rows that are ``taking_part`` (all words if None).

    ``lookup``: what the builder's file named, to be reported and remembered.
    """
    graph = as_graph(matrix, taking_part)
    if lookup is not None:
        about = {**about, "known": lookup.known, "unknown": lookup.unknown}
        say(str(lookup))
    save_graph(path, GraphFile(graph, vocabulary.tokens, about))
    say(str(Coverage.of(graph, vocabulary)))


def write_merged(path: Path, parts: list[tuple[Path, float]]) -> None:
    file = merge_graphs(parts)
    save_graph(path, file)
    say(reach(file.graph))
