"""`sse-nmt evaluate`: translate a held-out text, score it, and keep all of it in the run folder."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sse_nmt.corpora.test_text import read_test_text
from sse_nmt.evaluation.options import SPLITS, TEXT_NAMES, EvaluateOptions
from sse_nmt.evaluation.scoring import check_lengths, metrics, score
from sse_nmt.evaluation.sentence_statistics import scores_of, sentence_statistics
from sse_nmt.runs.checkpoints import load_checkpoint, updates
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.system.atomic_files import read_lines, sha256_of, write_json, write_lines
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import check_options
from sse_nmt.translation.translator import Translator


def evaluate_run(path: Path, options: EvaluateOptions) -> dict[str, Any]:
    """Score a checkpoint of a run on a split of its data, and keep translations and scores in its folder.

    Raises:
        UserError: no run folder, its text gone, or a checkpoint that cannot be used.
    """
    check_options(options)
    run = RunFolder(path)
    name, sources, references = _text(run, options)
    check_lengths(references, references)
    measures = metrics(run.languages[1], options.tokenize)  # before minutes of translating
    translator = Translator(path, options.search(), options.checkpoint)
    start = time.monotonic()
    hypotheses = translator.translate(sources)
    seconds = time.monotonic() - start
    scored = run.scored(name)
    scored.scores.unlink(missing_ok=True)  # what it says is no longer true
    write_lines(scored.hypotheses, hypotheses)
    write_lines(scored.references, references)
    counts = sentence_statistics(scored.statistics, hypotheses, references, measures)
    result = {
        "split": name,
        "sentences": len(hypotheses),
        "seconds": seconds,
        "updates": updates(load_checkpoint(run.checkpoints / options.checkpoint)),
        "checkpoint": options.checkpoint,
        "search": asdict(options.search()),
        "tokenize": options.tokenize,
        "scores": scores_of(counts, measures),
        "files": sha256_of([scored.hypotheses, scored.references]),
    }
    write_json(scored.scores, result)
    return result


def _text(run: RunFolder, options: EvaluateOptions) -> tuple[str, list[str], list[str]]:
    """Name, sources and references of what is translated."""
    if options.text is not None:
        name = options.text.resolve().name
        if name in SPLITS or not TEXT_NAMES.holds(name):
            raise UserError(f"`--text` must be a folder named {TEXT_NAMES.words}, not {' or '.join(SPLITS)}: {name!r}.")
        pairs = read_test_text(options.text, run.languages)
        return name, [source for source, _ in pairs], [target for _, target in pairs]
    files = [run.text(options.split, language) for language in run.languages]
    for file in files:
        if not file.is_file():
            raise UserError(f"{file} must be the {options.split} text, but there is no such file.")
    return options.split, read_lines(files[0]), read_lines(files[1])


def evaluate_files(
    hypotheses: Path, reference: Path, language: str | None = None, tokenize: str | None = None
) -> dict[str, Any]:
    """Score one file against another, line by line, as text in ``language``."""
    for path in (hypotheses, reference):
        if not path.is_file():
            raise UserError(f"{path} must be a text file, but there is none.")
    lines, references = read_lines(hypotheses), read_lines(reference)
    if len(lines) != len(references):
        raise UserError(
            f"{hypotheses} must have as many lines as {reference}, {len(references)}, but has {len(lines)} instead."
        )
    return {"sentences": len(lines), "scores": score(lines, references, metrics(language, tokenize))}
