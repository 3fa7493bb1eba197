"""Text in, detokenised text out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sse_nmt.runs.paths import BEST
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import check_options
from sse_nmt.system.progress import log_line
from sse_nmt.text.cleaning import normalise
from sse_nmt.text.subwords import load_model
from sse_nmt.translation.engines import Engine, engine
from sse_nmt.translation.options import SearchOptions
from sse_nmt.translation.vocabulary_map import VocabularyMap

_BLANK = "\u2581"  # with which a word's first piece begins
_ENDS = (".", "!", "?", "…", "。", "！", "？", "।", "؟", "۔")
_NAMED = 5  # lines


class Translator:
    """A trained run, ready to translate text."""

    def __init__(self, path: Path, options: SearchOptions, checkpoint: str = BEST) -> None:
        run = RunFolder(path)
        if run.record.get("status") != "finished":
            log_line(f"{path} is not finished: what it translates is of a training that stopped early, or goes on.")
        model = run.model(checkpoint)
        if not run.subword_model.is_file():
            raise UserError(f"{path} must hold the SentencePiece model of its text, but has no {run.subword_model}.")
        run.check_text()
        self._pieces = load_model(run.subword_model)
        source, target = model.positions()
        check_options(options)
        if options.max_length > target - 1:
            raise UserError(
                f"`--max-length` must be at most {target - 1:,}, the positions of {path} without the end of the "
                f"sentence, but is {options.max_length:,} instead."
            )
        self._longest = options.max_length
        self._longest_source = min(source - 1, options.max_length)
        self._engine: Engine = engine(model, options, run.converted, vocabulary_map_of(run, options.candidates))

    def translate(self, lines: Sequence[str]) -> list[str]:
        """One translation for each line; that of an empty line is empty.

        A line that is too long for the model is translated in parts; which lines, and which translations ended because
        they were too long, is said.
        """
        segmented = [self._pieces.encode(normalise(line), out_type=str) for line in lines]
        parts = [
            (number, part) for number, line in enumerate(segmented) for part in parts_of(line, self._longest_source)
        ]
        _log_lines_that_are(
            "too long for the model and translated in parts", [n for n, part in parts if part is not segmented[n]]
        )
        by_length = sorted(range(len(parts)), key=lambda place: len(parts[place][1]), reverse=True)  # alike in time
        found: dict[int, list[str]] = {}
        if parts:
            found = dict(zip(by_length, self._engine.translate([parts[i][1] for i in by_length]), strict=True))
        translated: list[list[str]] = [[] for _ in lines]
        for place, (number, _) in enumerate(parts):
            translated[number] += found[place]
        cut = [number for place, (number, _) in enumerate(parts) if len(found[place]) >= self._longest]
        _log_lines_that_are(
            f"translated into {self._longest} pieces, the most that `--max-length` allows, and may be cut", cut
        )
        return [self._pieces.decode(pieces) for pieces in translated]


def vocabulary_map_of(run: RunFolder, candidates: int | None) -> VocabularyMap | None:
    """Raises UserError if the text of the training is not where it was."""
    if candidates is None:
        return None
    data = run.record["data"]
    folder = data.get("folder")
    if folder is None or not (Path(folder) / "text").is_dir():
        raise UserError(
            f"`--candidates` needs the text that {run.path} was trained on, but {folder or 'its folder'} is gone: "
            f"prepare it again there, or leave the option out."
        )
    return VocabularyMap(candidates, Path(folder), data["fingerprint"], run.subword_model)


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


def _log_lines_that_are(what: str, numbers: Sequence[int]) -> None:
    lines = sorted({number + 1 for number in numbers})
    if lines:
        named = ", ".join(map(str, lines[:_NAMED])) + (f" and {len(lines) - _NAMED} more" * (len(lines) > _NAMED))
        log_line(f"{'Line' if len(lines) == 1 else 'Lines'} {named} {'is' if len(lines) == 1 else 'are'} {what}.")
