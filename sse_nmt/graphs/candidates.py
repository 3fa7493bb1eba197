"""Which rows take part in a graph: all words, or those of one text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sse_nmt.graphs.text_lines import numbered_lines
from sse_nmt.system.errors import UserError
from sse_nmt.text.dictionary import Vocabulary


def tokens_in(path: Path, vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """(V,): which words stand in a segmented text.

    Raises:
        UserError: no such text, or one in which fewer than two words of the vocabulary stand.
    """
    rows, found = vocabulary.rows, set[str]()
    for _, line in numbered_lines(path, "a segmented text"):
        found.update(rows.keys() & line.split())
    if len(found) < 2:
        raise UserError(f"{path} must hold at least two tokens of the dictionary, but holds {len(found)}.")
    candidates = np.zeros(len(vocabulary), dtype=np.bool_)
    candidates[[rows[token] for token in found]] = True
    return candidates
