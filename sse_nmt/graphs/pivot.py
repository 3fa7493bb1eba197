"""Paraphrases through the other language (Bannard and Callison-Burch, 2005): p(e'|e) = sum over f of t(f|e) t(e'|f)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sse_nmt.graphs.alignment import RowPair, Rows, count_links
from sse_nmt.graphs.options import PivotOptions
from sse_nmt.graphs.weighted_edges import Matrix, strongest
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import check_options
from sse_nmt.system.progress import Progress
from sse_nmt.text.bitext import Bitext, check_utf8, count_lines
from sse_nmt.text.dictionary import Vocabulary
from sse_nmt.text.sampling import sample_pairs

_TRANSLATIONS = 20  # of a token that count: with more, the product would fill up with what follows from errors
_LEAST_LINKS = 2  # a pair of tokens linked once is chance


def pivot_matrix(source: Path, target: Path, vocabulary: Vocabulary, options: PivotOptions) -> Matrix:
    """(V, V): p(e'|e) among the tokens of one language of a segmented bitext, or of both, each through the other.

    A row has its most probable paraphrases, at most ``options.max_neighbours`` and none below ``options.min_weight``.
    A token that stands in both languages has the paraphrases of both, each as probable as it is in that language.

    Raises:
        UserError: an option out of range, files of different length, or no aligner.
    """
    check_options(options)
    links = count_links(_read(source, target, vocabulary, options), len(vocabulary))
    return pivot_of_links(links, options)


def pivot_of_links(links: Matrix, options: PivotOptions) -> Matrix:
    """The same from counts of links, (V, V), source tokens in rows."""
    links = sparse.csr_array(links, copy=True)
    links.data[links.data < _LEAST_LINKS] = 0
    links.eliminate_zeros()
    sides = {"source": [links], "target": [links.T.tocsr()], "both": [links, links.T.tocsr()]}[options.side]
    totals = np.maximum(np.sum([_sums(side) for side in sides], axis=0), 1.0)
    found = sparse.csr_array(links.shape, dtype=np.float32)
    for side in sides:
        found += _scaled(_paraphrases(side), _sums(side) / totals)
    found.data[found.data < options.min_weight] = 0
    found.eliminate_zeros()
    found.data = np.minimum(found.data, 1.0)  # but for rounding it is
    return strongest(found, options.max_neighbours)


def _paraphrases(links: Matrix) -> Matrix:
    """p(e'|e) of the row tokens e, themselves left out."""
    product = (_conditional(links) @ _conditional(links.T.tocsr())).tocsr()
    product.setdiag(0)
    return product


def _conditional(counts: Matrix) -> Matrix:
    """t(column | row), of the most frequent columns of each row."""
    return strongest(_scaled(counts, 1.0 / np.maximum(_sums(counts), 1.0)), _TRANSLATIONS)


def _sums(counts: Matrix) -> NDArray[np.float64]:
    return np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()


def _scaled(matrix: Matrix, factors: NDArray[np.float64]) -> Matrix:
    """Row by row."""
    return (sparse.diags_array(factors) @ matrix).tocsr().astype(np.float32)


def _read(source: Path, target: Path, vocabulary: Vocabulary, options: PivotOptions) -> list[RowPair]:
    """A seeded sample of the pairs, as rows; a sentence takes four bytes a token."""
    for path in (source, target):
        if not path.is_file():
            raise UserError(f"{path} must be a segmented text, but there is no such file.")
        check_utf8(path)
    lines = count_lines(source)
    if count_lines(target) != lines:
        raise UserError(f"{source} and {target} must have as many lines, but have {lines} and {count_lines(target)}.")
    bitext = Bitext("text", source, target, lines)
    sample = sample_pairs([bitext], np.ones(lines, dtype=np.bool_), options.sample, options.seed)
    pairs = []
    with Progress(min(lines, options.sample), "reading", "pairs") as progress:
        for pair in sample:
            rows = _encode(pair[0], vocabulary), _encode(pair[1], vocabulary)
            if all(map(len, rows)):
                pairs.append(rows)
            progress.advance(1)
    if not pairs:
        raise UserError(f"{source} must hold at least one pair, but holds none.")
    return pairs


def _encode(line: str, vocabulary: Vocabulary) -> Rows:
    return vocabulary.encode(line.split()).astype(np.int32)
