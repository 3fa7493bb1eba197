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

_BLANK = "\u2581"  # with which a word's first piece begins
_ENDS = (".", "!", "?", "…", "。", "！", "？", "।", "؟", "۔")
_NAMED = 5  # lines


class Translator:
    """A trained run, ready to translate text."""

    def __init__(self, run: Path, options: SearchOptions, checkpoint: str = "checkpoint_best.pt") -> None:
        record = read_json(_required(run / "run.json"))
        if record.get("status") != "finished":
            say(f"{run} is not finished: what it translates is of a training that stopped early, or goes on.")
        model = Model(run / "checkpoints" / checkpoint, run / "text", record["source_lang"], record["target_lang"])
        self._pieces = load_model(_required(run / "text" / "sentencepiece.model"))
        source, target = model.positions()
        options.check()
        if options.max_length > target - 1:
            raise UserError(
                f"`--max-length` must be at most {target - 1:,}, the positions of {run} without the end of the "
                f"sentence, but is {options.max_length:,} instead."
            )
        self._longest = options.max_length
        self._longest_source = min(source - 1, options.max_length)
        self._engine: Engine = engine(model, options, run / "ctranslate2")

    def translate(self, lines: Sequence[str]) -> list[str]:
        """One translation for each line; that of an empty line is empty.

        A line that is too long for the model is translated in parts; which lines, and which translations ended because
        they were too long, is said.
        """
        segmented = [self._pieces.encode(normalise(line), out_type=str) for line in lines]
        parts = [
            (number, part) for number, line in enumerate(segmented) for part in parts_of(line, self._longest_source)
        ]
        _say_of("too long for the model and translated in parts", [n for n, part in parts if part is not segmented[n]])
        by_length = sorted(range(len(parts)), key=lambda place: len(parts[place][1]), reverse=True)  # alike in time
        found: dict[int, list[str]] = {}
        if parts:
            found = dict(zip(by_length, self._engine.translate([parts[i][1] for i in by_length]), strict=True))
        translated: list[list[str]] = [[] for _ in lines]
        for place, (number, _) in enumerate(parts):
            translated[number] += found[place]
        cut = [number for place, (number, _) in enumerate(parts) if len(found[place]) >= self._longest]
        _say_of(f"translated into {self._longest} pieces, the most that `--max-length` allows, and may be cut", cut)
        return [self._pieces.decode(pieces) for pieces in translated]


def parts_of(pieces: list[str], longest: int) -> list[list[str]]:
    """Pieces in parts of at most ``longest``, cut at the end of a sentence or else before a word where that can be."""
    parts = []
    while len(pieces) > longest:
        window = range(longest, longest // 2, -1)
        sentence = next((i for i in window if pieces[i - 1].endswith(_ENDS) and pieces[i].startswith(_BLANK)), None)
        word = next((i for i in window if pieces[i].startswith(_BLANK)), longest)
        place = word if sentence is None else sentence
        parts.append(pieces[:place])
        pieces = pieces[place:]
    return [*parts, pieces] if pieces else parts


def _say_of(what: str, numbers: Sequence[int]) -> None:
    lines = sorted({number + 1 for number in numbers})
    if lines:
        named = ", ".join(map(str, lines[:_NAMED])) + (f" and {len(lines) - _NAMED} more" * (len(lines) > _NAMED))
        say(f"{'Line' if len(lines) == 1 else 'Lines'} {named} {'is' if len(lines) == 1 else 'are'} {what}.")


def _required(path: Path) -> Path:
    if not path.is_file():
        raise UserError(f"{path.parent} must belong to a run folder, but holds no {path.name}.")
    return path
