"""Which target pieces a source piece allows, counted in a bitext: CTranslate2's vocabulary map.

The output layer then computes what the source pieces of a batch allow, in place of the whole vocabulary (L'Hostis,
Grangier and Auli, 2016: Vocabulary selection strategies for neural machine translation).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sse_nmt.system.atomic_files import write_lines
from sse_nmt.system.errors import UserError
from sse_nmt.text.cleaning import normalise
from sse_nmt.text.dictionary import Vocabulary
from sse_nmt.text.manifest import read_manifest
from sse_nmt.text.subwords import load_model

_PAIRS = 100_000  # the first ones, which are counted
_ALWAYS = 100  # target pieces that every source allows: those in most sentences


@dataclass(frozen=True)
class VocabularyMap:
    """What it is made of.

    Args:
        candidates: target pieces that a source piece allows, besides itself.
        data: the prepared text that the model was trained on.
        fingerprint: of that text.
        subword_model: SentencePiece's.
    """

    candidates: int
    data: Path
    fingerprint: str
    subword_model: Path

    @property
    def stamp(self) -> dict[str, Any]:
        """By which one that was made before is known."""
        return {"candidates": self.candidates, "text": self.fingerprint}

    def write(self, path: Path, dictionaries: Path, languages: tuple[str, str]) -> None:
        """A line for each source piece, as CTranslate2 reads it; ``dictionaries``: the folder of dict.LANG.txt.

        Raises:
            UserError: the text is gone, or another one now.
        """
        if read_manifest(self.data)["fingerprint"] != self.fingerprint:
            raise UserError(f"{self.data} must hold the text of the training for `--candidates`, but holds another.")
        source, target = (Vocabulary.read(dictionaries / f"dict.{language}.txt") for language in languages)
        sides = self._stands_in(languages[0], source), self._stands_in(languages[1], target)
        write_lines(path, _lines(source, target, *candidates(*sides, self.candidates)))

    def _stands_in(self, language: str, vocabulary: Vocabulary) -> sparse.csr_array:
        with open(self.data / "text" / f"train.{language}", encoding="utf-8", newline="\n") as file:
            lines = [normalise(line.rstrip("\n")) for line in islice(file, _PAIRS)]
        pieces = load_model(self.subword_model).encode(lines, out_type=str)
        return stands_in([vocabulary.encode(line) for line in pieces], len(vocabulary))


def stands_in(sentences: Sequence[NDArray[np.int64]], rows: int) -> sparse.csr_array:
    """(sentences, V) float32: 1 where a row stands in a sentence, however often; -1 is none."""
    found = [np.unique(sentence[sentence >= 0]) for sentence in sentences]
    starts = np.concatenate(([0], np.cumsum([len(each) for each in found])))
    columns = np.concatenate([*found, np.empty(0, np.int64)])
    return sparse.csr_array((np.ones(len(columns), np.float32), columns, starts), shape=(len(found), rows))


def candidates(
    source: sparse.csr_array, target: sparse.csr_array, most: int
) -> tuple[list[int], list[NDArray[np.int64]]]:
    """Target rows that every source allows, and those that each source row does, the best first: the ``most`` with the
    highest Dice coefficient 2 n(e, f) / (n(e) + n(f)) (Dice, 1945) of the sentences that they stand in.
    """
    together = (source.T @ target).tocsr()
    of_source, of_target = (np.asarray(side.sum(axis=0)).ravel() for side in (source, target))
    always = [int(row) for row in np.argsort(-of_target, kind="stable")[:_ALWAYS] if of_target[row] > 0]
    allowed = []
    for row, (start, end) in enumerate(zip(together.indptr, together.indptr[1:], strict=False)):
        columns = together.indices[start:end]
        dice = 2 * together.data[start:end] / (of_source[row] + of_target[columns])
        allowed.append(columns[np.lexsort((columns, -dice))[:most]].astype(np.int64))
    return always, allowed


def _lines(
    source: Vocabulary, target: Vocabulary, always: Sequence[int], allowed: Sequence[NDArray[np.int64]]
) -> Iterable[str]:
    yield _line("", [target.tokens[row] for row in always])
    for row in source.words:
        own = source.tokens[row]  # names and numbers stay as they are
        pieces = [target.tokens[column] for column in allowed[row]]
        yield _line(own, pieces if own in pieces or own not in target.rows else [*pieces, own])


def _line(piece: str, allowed: Sequence[str]) -> str:
    return f"{piece}\t{' '.join(allowed)}"
