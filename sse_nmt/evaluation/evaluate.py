"""`sse-nmt evaluate`: translate a held-out text, score it, and keep all of it in the run folder."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sse_nmt.atomic_files import read_json, read_lines, write_json, write_lines
from sse_nmt.checkpoints import load_checkpoint, updates
from sse_nmt.errors import UserError
from sse_nmt.evaluation.options import SearchOptions
from sse_nmt.evaluation.scoring import check_lengths, metrics, score
from sse_nmt.evaluation.sentence_statistics import scores_of, sentence_statistics
from sse_nmt.evaluation.translation import Translator


def evaluate_run(run: Path, split: str, options: SearchOptions, tokenize: str | None = None) -> dict[str, Any]:
    """Score the best checkpoint of ``run`` on a split of its data; write RUN/scores/<split>.{hyp,ref,stats.npz,json}.

    ``tokenize``: BLEU's tokeniser; None for that of the target language.

    Raises:
        UserError: no run folder, its text gone, or a checkpoint that cannot be used.
    """
    if not (run / "run.json").is_file():
        raise UserError(f"{run} must be a run folder, but holds no run.json.")
    record = read_json(run / "run.json")
    source, target = (run / "text" / f"{split}.{record[side]}" for side in ("source_lang", "target_lang"))
    for path in (source, target):
        if not path.is_file():
            raise UserError(f"{path} must be the {split} text, but there is no such file.")
    checkpoint = run / "checkpoints" / "checkpoint_best.pt"
    references = read_lines(target)
    check_lengths(references, references)
    measures = metrics(record["target_lang"], tokenize)  # before minutes of translating
    translator = Translator(run, options)
    start = time.monotonic()
    hypotheses = translator.translate(read_lines(source))
    seconds = time.monotonic() - start
    scores = run / "scores"
    (scores / f"{split}.json").unlink(missing_ok=True)  # what it says is no longer true
    write_lines(scores / f"{split}.hyp", hypotheses)
    write_lines(scores / f"{split}.ref", references)
    counts = sentence_statistics(scores / f"{split}.stats.npz", hypotheses, references, measures)
    result = {
        "split": split,
        "sentences": len(hypotheses),
        "seconds": seconds,
        "updates": updates(load_checkpoint(checkpoint)),
        "search": asdict(options),
        "tokenize": tokenize,
        "scores": scores_of(counts, measures),
    }
    write_json(scores / f"{split}.json", result)
    return result


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
