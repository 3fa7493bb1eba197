"""Text in, detokenised text out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sse_nmt.atomic_files import read_json
from sse_nmt.corpora.cleaning import normalise
from sse_nmt.corpora.segmentation import load_model
from sse_nmt.errors import UserError
from sse_nmt.evaluation.engines import Engine, engine
from sse_nmt.evaluation.model import Model
from sse_nmt.evaluation.options import SearchOptions
from sse_nmt.progress import say


class Translator:
    """A trained run, ready to translate text."""

    def __init__(self, run: Path, options: SearchOptions, checkpoint: str = "checkpoint_best.pt") -> None:
        record = read_json(_required(run / "run.json"))
        if record.get("status") != "finished":
            say(f"{run} is not finished: what it translates is of a training that stopped early, or goes on.")
        model = Model(run / "checkpoints" / checkpoint, run / "text", record["source_lang"], record["target_lang"])
        self._pieces = load_model(_required(run / "text" / "sentencepiece.model"))
        self._engine: Engine = engine(model, options, run / "ctranslate2")

    def translate(self, lines: Sequence[str]) -> list[str]:
        """One translation for each line; that of an empty line is empty."""
        segmented = [self._pieces.encode(normalise(line), out_type=str) for line in lines]
        full = [number for number, pieces in enumerate(segmented) if pieces]
        full.sort(key=lambda number: len(segmented[number]), reverse=True)  # alike in length, alike in time
        translations = [""] * len(lines)
        if full:
            for number, pieces in zip(full, self._engine.translate([segmented[i] for i in full]), strict=True):
                translations[number] = self._pieces.decode(pieces)
        return translations


def _required(path: Path) -> Path:
    if not path.is_file():
        raise UserError(f"{path.parent} must belong to a run folder, but holds no {path.name}.")
    return path
