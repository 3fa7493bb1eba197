"""All that a page shows of systems on one corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sse_nmt.evaluation.comparison import Comparison
from sse_nmt.evaluation.pictures import pictures
from sse_nmt.evaluation.scoring import metrics
from sse_nmt.evaluation.sentence_differences import SentenceDifference, most_different
from sse_nmt.evaluation.tables import Rows, notes, tables
from sse_nmt.evaluation.word_frequency import Tokenise, count_words, f_measures, names_of_classes
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.system.atomic_files import read_lines

_SENTENCES = 4  # that gain most, and as many that lose most


@dataclass(frozen=True)
class Section:
    """Args:
    name: of the corpus.
    pictures: what each shows -> SVG.
    words: F-measure by training frequency, the head first; empty where there is no training text.
    differing: the system whose sentences are shown, the first beside the baseline; "" if none are.
    """

    name: str
    tables: list[Rows]
    notes: list[str]
    pictures: Mapping[str, str]
    words: Rows
    differing: str
    sentences: list[SentenceDifference]


def section(name: str, comparison: Comparison, training: Path | None) -> Section:
    """Of several texts there are tables and pictures alone. ``training``: what systems were trained on, in the target
    language, if it is there.
    """
    words: Rows = []
    sentences: list[SentenceDifference] = []
    differing = ""
    if len(comparison.suite.texts) == 1:
        hypotheses, references = _texts(comparison)
        if training is not None and training.is_file():
            words = _words(hypotheses, references, training, RunFolder(comparison.systems[0].runs[0].path).languages[1])
        if len(comparison.systems) > 1:
            baseline, other = comparison.systems[0].name, comparison.systems[1].name
            sentences = most_different(hypotheses[baseline], hypotheses[other], references, _SENTENCES)
            differing = other
    return Section(
        name, tables(comparison), notes(comparison), pictures(comparison), words, differing, sentences
    )  # fmt: skip


def _texts(comparison: Comparison) -> tuple[dict[str, list[str]], list[str]]:
    """Translations of the first seed of each system, and the references."""
    suite = comparison.suite
    (text,) = suite.texts
    scored = {system.name: suite.scored(RunFolder(system.runs[0].path), text) for system in comparison.systems}
    first = scored[comparison.systems[0].name]
    return {name: read_lines(each.hypotheses) for name, each in scored.items()}, read_lines(first.references)


def _words(hypotheses: Mapping[str, Sequence[str]], references: Sequence[str], training: Path, language: str) -> Rows:
    """F-measure in percent, of the first seed of each system."""
    tokenise: Tokenise = metrics(language)["BLEU"].tokenizer  # type: ignore[attr-defined]  # BLEU's own
    with training.open(encoding="utf-8", newline="\n") as lines:
        counts = count_words(lines, tokenise)
    rows = [["system", *names_of_classes()]]
    for name, translated in hypotheses.items():
        found = f_measures(translated, references, counts, tokenise)
        rows.append([name, *("" if value is None else f"{100 * value:.1f}" for value in found)])
    return rows
