"""`sse-nmt study --report`: what came out, as a page that needs nothing beside itself, as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2

from sse_nmt.evaluation.comparison import PRIMARY
from sse_nmt.evaluation.report import as_json
from sse_nmt.evaluation.scoring import metrics
from sse_nmt.evaluation.sentence_differences import SentenceDifference, most_different
from sse_nmt.evaluation.tables import notes, tables
from sse_nmt.evaluation.word_frequency import Tokenise, count_words, f_measures, names_of_classes
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.studies.cells import Cell
from sse_nmt.studies.pictures import forest, learning_curve, validation_curves
from sse_nmt.studies.results import CorpusResult, SystemResult, corpus_results, system_results
from sse_nmt.studies.specification import Study
from sse_nmt.system.atomic_files import atomic_write, read_lines, write_json
from sse_nmt.system.tables import markdown_table

_SENTENCES = 4  # that gain most, and as many that lose most


@dataclass(frozen=True)
class Section:
    """All that is shown of one corpus."""

    name: str
    pairs: int
    tables: list[list[list[str]]]
    notes: list[str]
    curves: str  # SVG
    words: list[list[str]]  # F-measure by training frequency, the head first
    differing: str  # the system whose sentences are shown
    sentences: list[SentenceDifference]


def write_study_report(study: Study, cells: Sequence[Cell], folder: Path) -> list[Path]:
    """Write report.html, report.md and report.json; return their paths. Cells that are not done are left out.

    Raises:
        UserError: nothing can be compared yet.
    """
    text = "test" if "test" in study.texts else study.texts[0]
    results = corpus_results(study, cells, text)
    systems = system_results(study, results)
    sections = [_section(result, text) for result in results]
    done = sum(cell.state == "done" for cell in cells)
    said: dict[str, Any] = {
        "baseline": study.baseline,
        "metric": PRIMARY,
        "text": text,
        "cells": len(cells),
        "done": done,
        "verdicts": [system.verdict for system in systems],
    }
    paths = [folder / f"report.{kind}" for kind in ("html", "md", "json")]
    _write(paths[0], _page(said, systems, results, sections))
    _write(paths[1], _markdown(said, systems, sections))
    write_json(paths[2], said | {"systems": list(map(_as_json, systems)), "corpora": _corpora_json(results, sections)})
    return paths


def _section(result: CorpusResult, text: str) -> Section:
    comparison = result.comparison
    other = comparison.systems[1]
    hypotheses = {
        system.name: read_lines(comparison.suite.scored(RunFolder(system.runs[0].path), text).hypotheses)
        for system in comparison.systems
    }
    first = comparison.systems[0].runs[0]
    references = read_lines(comparison.suite.scored(RunFolder(first.path), text).references)
    sentences = most_different(hypotheses[comparison.systems[0].name], hypotheses[other.name], references, _SENTENCES)
    words = _words(result, hypotheses, references)
    return Section(
        result.name, result.pairs, tables(comparison), notes(comparison), validation_curves(comparison), words,
        other.name, sentences,
    )  # fmt: skip


def _words(result: CorpusResult, hypotheses: dict[str, list[str]], references: list[str]) -> list[list[str]]:
    """F-measure in percent, of the first seed of each system."""
    run = RunFolder(result.comparison.systems[0].runs[0].path)
    language = run.languages[1]
    tokenise: Tokenise = metrics(language)["BLEU"].tokenizer  # type: ignore[attr-defined]  # BLEU's own
    with open(result.data / "text" / f"train.{language}", encoding="utf-8", newline="\n") as lines:
        training = count_words(lines, tokenise)
    rows = [["system", *names_of_classes()]]
    for name, lines_of in hypotheses.items():
        found = f_measures(lines_of, references, training, tokenise)
        rows.append([name, *("" if value is None else f"{100 * value:.1f}" for value in found)])
    return rows


def _page(
    said: dict[str, Any], systems: Sequence[SystemResult], results: Sequence[CorpusResult], sections: Sequence[Section]
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sse_nmt.studies"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    curves: dict[str, list[CorpusResult]] = {}
    for result in results:
        if result.curve is not None:
            curves.setdefault(result.curve[0], []).append(result)
    learning = {name: learning_curve(of_sizes) for name, of_sizes in curves.items() if len(of_sizes) > 1}
    return environment.get_template("report.html").render(
        **said, forest=forest(systems, said["baseline"]) if systems else "", learning=learning, sections=sections
    )


def _markdown(said: dict[str, Any], systems: Sequence[SystemResult], sections: Sequence[Section]) -> str:
    parts = ["# What came out", "\n".join(f"- {verdict}" for verdict in said["verdicts"])]
    parts.append(f"{said['done']} of {said['cells']} cells are done. Scores are on {said['text']} text.")
    rows = [row for system in systems for row in _rows(system)]
    parts.append(markdown_table(("system", "corpus", f"Δ {PRIMARY}", "95 % interval", "p"), rows, left=(0, 1)))
    for section in sections:
        parts.append(f"## {section.name}\n\n{section.pairs:,} training pairs.")
        parts += [markdown_table(head, body) for head, *body in section.tables]
        parts.append("\n".join(section.notes))
        head, *body = section.words
        parts.append("F-measure of words by how often the training text has them, in percent, first seed:")
        parts.append(markdown_table(head, body))
    return "\n\n".join(parts) + "\n"


def _rows(system: SystemResult) -> list[list[str]]:
    rows = [
        [system.name, corpus, f"{each.value:+.2f}", f"[{each.low:+.2f}, {each.high:+.2f}]",
         "" if each.p_value is None else f"{each.p_value:.3f}"]
        for corpus, each in system.differences.items()
    ]  # fmt: skip
    if system.combined is not None:
        whole = system.combined
        interval = f"[{whole.low:+.2f}, {whole.high:+.2f}]"
        rows.append([system.name, "combined", f"{whole.value:+.2f}", interval, f"{whole.p_value:.3f}"])
    return rows


def _as_json(system: SystemResult) -> dict[str, Any]:
    return {
        "name": system.name,
        "verdict": system.verdict,
        "differences": {corpus: asdict(each) for corpus, each in system.differences.items()},
        "combined": None if system.combined is None else asdict(system.combined),
    }


def _corpora_json(results: Sequence[CorpusResult], sections: Sequence[Section]) -> dict[str, Any]:
    said = {}
    for result, section in zip(results, sections, strict=True):
        comparison = as_json(result.comparison)
        for system in comparison["systems"]:
            for run in system["runs"]:  # wherever the study is
                run["folder"] = f"{result.name}/{system['name']}/{run['seed']}"
        said[result.name] = {"pairs": result.pairs, "words": section.words, "comparison": comparison}
    return said


def _write(path: Path, content: str) -> None:
    with atomic_write(path) as file:
        file.write(content)
