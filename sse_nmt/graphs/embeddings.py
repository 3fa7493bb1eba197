"""Nearest neighbours by cosine, in any table of vectors or in that of a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from sse_nmt.graphs.options import EmbeddingOptions
from sse_nmt.graphs.token_resolver import TokenResolver
from sse_nmt.graphs.vectors import read_vectors
from sse_nmt.graphs.weighted_edges import Matrix, matrix_of
from sse_nmt.runs.checkpoints import load_checkpoint
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import check_options
from sse_nmt.system.progress import Progress
from sse_nmt.text.dictionary import Vocabulary

_AT_ONCE = 1 << 24  # cosines held


def embedding_matrix(
    checkpoint: Path | None,
    vectors: Path | None,
    vocabulary: Vocabulary,
    rows: Sequence[int],
    options: EmbeddingOptions,
) -> tuple[Matrix, TokenResolver | None]:
    """(V, V) among ``rows`` from a checkpoint or a file of vectors, and in that case which of its tokens were found.

    Raises:
        UserError: an option out of range, or a file that is not as it should be.
    """
    check_options(options)
    if vectors is not None:
        table, resolver = read_vectors(vectors, vocabulary, options.of_words)
        return nearest(table, rows, options), resolver
    assert checkpoint is not None
    return nearest(checkpoint_table(checkpoint, options.part, vocabulary), rows, options), None


def nearest(table: Tensor, rows: Sequence[int], options: EmbeddingOptions) -> Matrix:
    """(V, V): of each of ``rows`` the most similar others, those above ``options.min_weight``, weighted by the cosine.

    ``table`` is (V, D). A vector of zeros points nowhere and is nobody's neighbour.
    """
    which = torch.tensor(rows, dtype=torch.long)
    vectors = normalize(table[which].float())  # (N, D)
    count, step = len(rows), max(1, _AT_ONCE // max(1, len(rows)))
    found = [torch.empty(3, 0, dtype=torch.double)]
    with Progress(count, "comparing", "rows") as progress:
        for start in range(0, count, step):
            own = torch.arange(start, min(start + step, count))
            cosines = vectors[own] @ vectors.T  # (B, D) @ (D, N) -> (B, N)
            cosines[own - start, own] = -1.0  # a row is not its own neighbour
            values, places = cosines.topk(min(options.max_neighbours, count))
            kept = values > options.min_weight
            sources = which[own[:, None].expand_as(places)[kept]]
            found.append(torch.stack((sources, which[places[kept]], values[kept].double())))
            progress.advance(len(own))
    sources, targets, weights = torch.cat(found, dim=1).numpy()
    return matrix_of(len(table), sources, targets, weights.clip(max=1.0))


def checkpoint_table(path: Path, part: str, vocabulary: Vocabulary) -> Tensor:
    """(V, D): the embeddings of a fairseq checkpoint's encoder or decoder.

    Raises:
        UserError: no such checkpoint or part, or a table for another vocabulary, or of numbers that are none.
    """
    name = f"{part}.embed_tokens.weight"
    table = load_checkpoint(path)["model"].get(name)
    if table is None:
        raise UserError(f"{path} must hold `{name}`, but does not.")
    if len(table) != len(vocabulary):
        raise UserError(f"{path} must have a row for each of {len(vocabulary)} tokens, but has {len(table)} rows.")
    if not table.isfinite().all():
        raise UserError(f"{path} must have finite embeddings, but has others.")
    return table
