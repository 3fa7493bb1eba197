"""SentencePiece: one model for both languages."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import sentencepiece

from sse_nmt.atomic_files import whole_file
from sse_nmt.corpora.pairs import Pair
from sse_nmt.errors import UserError


def train_model(pairs: Sequence[Pair], pieces: int, path: Path) -> sentencepiece.SentencePieceProcessor:
    """Train a joint unigram model of ``pieces`` pieces on both sides of ``pairs`` and write it to ``path``."""
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([line for pair in pairs for line in pair]),
            model_writer=model,
            vocab_size=pieces,
            character_coverage=1.0,
            bos_id=-1,  # fairseq's dictionary has its own symbols for begin, end and padding
            eos_id=-1,
            num_threads=1,  # with more, the sums, and with them the pieces, depend on the machine
            minloglevel=2,
        )
    except (RuntimeError, OSError) as error:
        reason = str(error).rpartition("] ")[2].strip().rstrip(".")
        raise UserError(
            f"No SentencePiece model of {pieces} pieces can be trained on {len(pairs)} pairs: {reason}."
        ) from error
    with whole_file(path, "wb") as file:
        file.write(model.getvalue())
    return load_model(path)


def piece_set(model: sentencepiece.SentencePieceProcessor) -> list[str]:
    """What the model can yield, without the unknown piece: characters it does not know stand for themselves."""
    return [model.id_to_piece(i) for i in range(model.get_piece_size()) if not model.is_unknown(i)]


def load_model(path: Path) -> sentencepiece.SentencePieceProcessor:
    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (RuntimeError, OSError) as error:
        raise UserError(f"{path} must be a SentencePiece model, but cannot be read as one.") from error
