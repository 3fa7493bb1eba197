"""`sse-nmt newstest`: all of newstest2008–2018 translated in one go and scored set by set.

RUN/scores/newstest/<set>.{hyp,ref}  translations and references
RUN/scores/newstest/<set>.stats.npz  what the metrics count in each sentence
RUN/scores/newstest/scores.json      scores with signatures, search, checkpoint, speed; written last
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sse_nmt.atomic_files import read_json, sha256_of, write_json, write_lines
from sse_nmt.checkpoints import load_checkpoint, updates
from sse_nmt.corpora import newstest
from sse_nmt.corpora.pairs import Pair
from sse_nmt.corpora.streaming.workers import Workers
from sse_nmt.errors import UserError
from sse_nmt.evaluation.options import NewstestOptions
from sse_nmt.evaluation.scoring import metrics
from sse_nmt.evaluation.sentence_statistics import Statistics, scores_of, sentence_statistics
from sse_nmt.evaluation.translation import Translator
from sse_nmt.progress import Progress, say


def evaluate_newstest(run: Path, options: NewstestOptions) -> dict[str, Any]:
    """Score a checkpoint of ``run`` on all sets; nothing to do if that was done before.

    Raises:
        UserError: no run folder, a checkpoint that cannot be used, or a set that cannot be had.
    """
    _check_languages(run)
    sets = {newstest.SETS[year]: newstest.load(year) for year in newstest.SETS}
    folder = run / "scores/newstest"
    checkpoint = run / "checkpoints" / options.checkpoint
    state = load_checkpoint(checkpoint)
    search = asdict(options.search())
    done = {"checkpoint": options.checkpoint, "modified": checkpoint.stat().st_mtime_ns, "search": search}
    if (folder / "scores.json").is_file():
        before: dict[str, Any] = read_json(folder / "scores.json")
        if before["of"] == done and before["files"] == _fingerprint(folder):
            say(f"{run} is scored already.")
            return before
    say(f"Translating {sum(map(len, sets.values())):,} sentences with {run} …")
    hypotheses, seconds = _translate(Translator(run, options.search(), options.checkpoint), sets)
    say(f"Scoring {len(sets)} sets …")
    (folder / "scores.json").unlink(missing_ok=True)
    for name, pairs in sets.items():
        write_lines(file_of(folder, name, "hyp"), hypotheses[name])
        write_lines(file_of(folder, name, "ref"), (target for _, target in pairs))
    measures = metrics(newstest.LANGUAGES[1])
    scores = {}
    references = {name: [target for _, target in pairs] for name, pairs in sets.items()}
    for name, counts in count_sets(folder, hypotheses, references).items():
        scores[name] = {"sentences": len(sets[name]), "scores": scores_of(counts, measures)}
    sentences = sum(map(len, sets.values()))
    result = {
        "of": done,
        "updates": updates(state),
        "sentences": sentences,
        "seconds": seconds,
        "sentences_per_second": sentences / seconds,
        "sets": scores,
        "files": _fingerprint(folder),
    }
    write_json(folder / "scores.json", result)
    return result


def _check_languages(run: Path) -> None:
    if not (run / "run.json").is_file():
        raise UserError(f"{run} must be a run folder, but holds no run.json.")
    record = read_json(run / "run.json")
    languages = record["source_lang"], record["target_lang"]
    if languages != newstest.LANGUAGES:
        raise UserError(
            f"newstest2008–2018 here is {'–'.join(newstest.LANGUAGES)}, but {run} translates {'–'.join(languages)}."
        )


def file_of(folder: Path, name: str, kind: str) -> Path:
    return folder / f"{name.replace('/', '-')}.{kind}"


def _translate(translator: Translator, sets: Mapping[str, list[Pair]]) -> tuple[dict[str, list[str]], float]:
    """Translations set by set, and the seconds that they took."""
    start = time.monotonic()
    translations = iter(translator.translate([source for pairs in sets.values() for source, _ in pairs]))
    seconds = time.monotonic() - start
    return {name: [next(translations) for _ in pairs] for name, pairs in sets.items()}, seconds


def count_sets(
    folder: Path, hypotheses: Mapping[str, list[str]], references: Mapping[str, list[str]]
) -> dict[str, dict[str, Statistics]]:
    """Set -> metric -> what it counts; those that are not kept in ``folder`` on all cores, as TER takes minutes."""
    texts = [(file_of(folder, name, "stats.npz"), hypotheses[name], references[name]) for name in references]
    with Workers(_nothing) as workers, Progress(len(texts), "scoring", "sets") as progress:
        counted = {}
        for name, counts in zip(references, workers.map(_count_one, texts), strict=True):
            counted[name] = counts
            progress.advance(1)
    return counted


def _count_one(text: tuple[Path, list[str], list[str]]) -> dict[str, Statistics]:
    return sentence_statistics(*text, metrics(newstest.LANGUAGES[1]))


def _nothing() -> None:
    """What a worker needs before it can score."""


def _fingerprint(folder: Path) -> str | None:
    """A digest of all hypotheses and references, None if one is missing."""
    files = [file_of(folder, name, kind) for name in newstest.SETS.values() for kind in ("hyp", "ref")]
    return sha256_of(files) if all(file.is_file() for file in files) else None
