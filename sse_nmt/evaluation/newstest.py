"""`sse-nmt newstest`: all of newstest2008–2018 translated in one go and scored set by set."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sse_nmt.corpora import newstest
from sse_nmt.evaluation.options import NewstestOptions
from sse_nmt.evaluation.scored_runs import count_all
from sse_nmt.evaluation.scoring import metrics
from sse_nmt.evaluation.sentence_statistics import scores_of
from sse_nmt.evaluation.suites import Newstest
from sse_nmt.runs.checkpoints import load_checkpoint, updates
from sse_nmt.runs.records import NewstestScores
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.system.atomic_files import sha256_of, write_json, write_lines
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import log_line
from sse_nmt.system.records import read_record
from sse_nmt.text.pairs import SentencePair
from sse_nmt.translation.translator import Translator


def evaluate_newstest(path: Path, options: NewstestOptions) -> dict[str, Any]:
    """Score a checkpoint of a run on all sets; nothing to do if that was done before.

    Raises:
        UserError: no run folder, a checkpoint that cannot be used, or a set that cannot be had.
    """
    run, suite = RunFolder(path), Newstest()
    _check_languages(run)
    sets = {newstest.SETS[year]: newstest.load(year) for year in newstest.SETS}
    checkpoint = run.checkpoints / options.checkpoint
    state = load_checkpoint(checkpoint)
    search = asdict(options.search())
    done = {"checkpoint": options.checkpoint, "modified": checkpoint.stat().st_mtime_ns, "search": search}
    if run.newstest_record.is_file():
        before = read_record(run.newstest_record, NewstestScores)
        if before["of"] == done and before.get("files") == _fingerprint(run):
            log_line(f"{path} is scored already.")
            return dict(before)
    log_line(f"Translating {sum(map(len, sets.values())):,} sentences with {path} …")
    hypotheses, seconds = _translate(Translator(path, options.search(), options.checkpoint), sets)
    log_line(f"Scoring {len(sets)} sets …")
    run.newstest_record.unlink(missing_ok=True)
    references = {}
    for label, name in suite.texts.items():
        text = run.newstest(name)
        references[label] = [target for _, target in sets[name]]
        write_lines(text.hypotheses, hypotheses[name])
        write_lines(text.references, references[label])
    measures = metrics(newstest.LANGUAGES[1])
    counts = count_all(suite, [("", run)], references, newstest.LANGUAGES[1], None)[path]
    sentences = sum(map(len, sets.values()))
    result = {
        "of": done,
        "updates": updates(state),
        "sentences": sentences,
        "seconds": seconds,
        "sentences_per_second": sentences / seconds,
        "sets": {
            name: {"sentences": len(sets[name]), "scores": scores_of(counts[label], measures)}
            for label, name in suite.texts.items()
        },
        "files": _fingerprint(run),
    }
    write_json(run.newstest_record, result)
    return result


def _check_languages(run: RunFolder) -> None:
    if run.languages != newstest.LANGUAGES:
        raise UserError(
            f"newstest2008–2018 here is {'–'.join(newstest.LANGUAGES)}, but {run.path} translates "
            f"{'–'.join(run.languages)}."
        )


def _fingerprint(run: RunFolder) -> str | None:
    """A digest of all hypotheses and references, None if one is missing."""
    texts = [run.newstest(name) for name in newstest.SETS.values()]
    files = [file for text in texts for file in (text.hypotheses, text.references)]
    return sha256_of(files) if all(file.is_file() for file in files) else None


def _translate(translator: Translator, sets: Mapping[str, list[SentencePair]]) -> tuple[dict[str, list[str]], float]:
    """Translations set by set, and the seconds that they took."""
    start = time.monotonic()
    translations = iter(translator.translate([source for pairs in sets.values() for source, _ in pairs]))
    seconds = time.monotonic() - start
    return {name: [next(translations) for _ in pairs] for name, pairs in sets.items()}, seconds
