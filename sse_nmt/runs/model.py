"""A trained model on disk, checked before anything is done with it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from sse_nmt.runs.checkpoints import check_weights, load_checkpoint
from sse_nmt.system.errors import UserError

_POSITIONS = 1024  # fairseq's default, and what CTranslate2 reads at most


@dataclass(frozen=True)
class Model:
    """A checkpoint, the folder of its dictionaries, and its languages."""

    checkpoint: Path
    dictionaries: Path
    source_lang: str
    target_lang: str

    def positions(self) -> tuple[int, int]:
        """The most tokens of a source and of a target, end of sentence included."""
        options = load_checkpoint(self.checkpoint)["cfg"]["model"]
        values = vars(options) if isinstance(options, argparse.Namespace) else options
        source, target = (values.get(f"max_{side}_positions") for side in ("source", "target"))
        return source or _POSITIONS, target or _POSITIONS

    def check(self) -> None:
        """Raise UserError if the checkpoint is damaged, has weights that are no numbers, or embeddings of another
        length than the dictionaries.
        """
        state = load_checkpoint(self.checkpoint)
        check_weights(self.checkpoint, state)
        weights = state["model"]
        for part, language in (("encoder", self.source_lang), ("decoder", self.target_lang)):
            path = self.dictionaries / f"dict.{language}.txt"
            if not path.is_file():
                raise UserError(f"{path} must be the dictionary of {self.checkpoint}, but there is no such file.")
            entries = dictionary_size(path)
            table = f"{part}.embed_tokens"
            weight = weights.get(f"{table}.weight", weights.get(f"{table}.table.weight"))
            if weight is not None and weight.shape[0] != entries:
                raise UserError(
                    f"{path} must fit {self.checkpoint}, whose {part} has {weight.shape[0]} embeddings, "
                    f"but has {entries} entries instead."
                )


def dictionary_size(path: Path) -> int:
    """Entries of a fairseq dictionary file, with the four special symbols that it does not list."""
    with open(path, encoding="utf-8") as file:
        return 4 + sum(1 for line in file if line.strip())
