"""SentencePiece: one model for both languages."""

from __future__ import annotations

import io
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from sse_nmt.system.atomic_files import atomic_write
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import log_line
from sse_nmt.text.cleaning import normalise
from sse_nmt.text.dictionary import SPECIAL
from sse_nmt.text.pairs import SentencePair

# How SentencePiece says what a text can have: at most so many pieces, or at least one for each character.
_POSSIBLE = (re.compile(r"set it to a value <= (\d+)"), re.compile(r"smaller than required_chars\. \d+ vs (\d+)"))
_RATIO_PAIRS = 20_000  # enough for a median


def train_model(pairs: Sequence[SentencePair], vocab_size: int, path: Path) -> sentencepiece.SentencePieceProcessor:
    """Train a joint unigram model of ``vocab_size`` pieces on both sides of ``pairs`` and write it to ``path``.

    Text is segmented as it stands, so that pieces put together are the same text again. If the text cannot have that
    many pieces, or needs more for its characters, the nearest possible number is taken, and said.

    Raises:
        UserError: no model can be trained.
    """
    lines = [line for pair in pairs for line in pair]
    try:
        model = _train(lines, vocab_size)
    except (RuntimeError, OSError) as error:
        model = _train_fitted(lines, vocab_size, str(error))
    with atomic_write(path, "wb") as file:
        file.write(model)
    return load_model(path)


def _train_fitted(lines: Sequence[str], vocab_size: int, refusal: str) -> bytes:
    possible = next((int(match[1]) for pattern in _POSSIBLE if (match := pattern.search(refusal))), None)
    if possible is not None and possible != vocab_size:
        try:
            model = _train(lines, possible)
        except (RuntimeError, OSError) as error:
            refusal = str(error)
        else:
            at = "at most" if possible < vocab_size else "at least"
            log_line(
                f"  {len(lines) // 2:,} pairs can have {at} {possible:,} pieces, not {vocab_size:,}: "
                f"{possible:,} it is."
            )
            return model
    reason = refusal.rpartition("] ")[2].strip().rstrip(".")
    raise UserError(
        f"No SentencePiece model of {vocab_size} pieces can be trained on {len(lines) // 2} pairs: {reason}."
    )


def _train(lines: Sequence[str], vocab_size: int) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        vocab_size=vocab_size,
        character_coverage=1.0,
        normalization_rule_name="identity",  # the default would write "…" as "..." and "²" as "2": never reachable
        bos_id=-1,  # fairseq's dictionary has its own symbols for begin, end and padding
        eos_id=-1,
        num_threads=1,  # with more, the sums, and with them the pieces, depend on the machine
        minloglevel=2,
    )
    return model.getvalue()


def typical_ratio(pairs: Iterable[SentencePair], model: sentencepiece.SentencePieceProcessor) -> float:
    """The median number of target pieces per source piece; 1 where there are no pairs."""
    some = list(islice(pairs, _RATIO_PAIRS))
    lengths = ((len(model.encode(source)), len(model.encode(target))) for source, target in some)
    return statistics.median([target / source for source, target in lengths if source and target] or [1.0])


def within_max_length(
    pairs: Iterable[SentencePair], model: sentencepiece.SentencePieceProcessor, max_length: int, removed: Counter[str]
) -> list[SentencePair]:
    """Validation pairs that a training can take: one that is too long for a model would stop it at its start."""
    texts = list(pairs)
    kept = [pair for pair in texts if all(len(model.encode(normalise(side))) <= max_length for side in pair)]
    removed["length, of validation"] += len(texts) - len(kept)
    return kept


class Segmenter:
    """Lines to the ids of a model, and these to pieces."""

    def __init__(self, model: sentencepiece.SentencePieceProcessor) -> None:
        self._model = model
        self.pieces = [model.id_to_piece(number) for number in range(model.get_piece_size())]
        self._unknown = model.unk_id()

    def ids(self, lines: list[str]) -> list[list[int]]:
        return list(self._model.encode(lines, out_type=int, num_threads=1))

    def in_pieces(self, line: str, ids: Sequence[int]) -> str:
        """A line of which these are the ids; characters that the model does not know stand for themselves."""
        if self._unknown in ids:
            return " ".join(self._model.encode(line, out_type=str))
        return " ".join([self.pieces[number] for number in ids])

    def counts(self, pieces: Counter[str]) -> NDArray[np.int64]:
        """How often each id stands where pieces stand so often."""
        counts = np.array([pieces[piece] for piece in self.pieces], np.int64)
        counts[self._unknown] += pieces.total() - counts.sum()
        return counts

    def known(self, counts: NDArray[np.int64]) -> dict[str, int]:
        """Of what may be an entry of a dictionary, those with a count: fairseq has a row that trains for each."""
        return {
            piece: int(count)
            for number, (piece, count) in enumerate(zip(self.pieces, counts, strict=True))
            if count and number != self._unknown and piece not in SPECIAL
        }


def load_model(path: Path) -> sentencepiece.SentencePieceProcessor:
    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (RuntimeError, OSError) as error:
        raise UserError(f"{path} must be a SentencePiece model, but cannot be read as one.") from error
