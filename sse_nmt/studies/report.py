"""`sse-nmt study --report`: what came out, as a page that needs nothing beside itself, as Markdown, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sse_nmt.evaluation.comparison import PRIMARY
from sse_nmt.evaluation.page import render
from sse_nmt.evaluation.report import as_json
from sse_nmt.evaluation.sections import Section, section
from sse_nmt.evaluation.significance import rounded_p
from sse_nmt.evaluation.verdicts import sentences
from sse_nmt.studies.cells import Cell
from sse_nmt.studies.pictures import forest, learning_curve
from sse_nmt.studies.results import CorpusResult, SystemResult, corpus_results, results_elsewhere, system_results
from sse_nmt.studies.study import Study
from sse_nmt.system.atomic_files import atomic_write, write_json
from sse_nmt.system.harmless import markdown_line
from sse_nmt.system.tables import markdown_table

Shown = tuple[CorpusResult, Section]


def write_study_report(study: Study, cells: Sequence[Cell], folder: Path) -> list[Path]:
    """Write report.html, report.md and report.json; return their paths. Cells that are not done are left out.

    Raises:
        UserError: nothing can be compared yet.
    """
    text = "test" if "test" in study.texts else study.texts[0]
    results = corpus_results(study, cells, text)
    systems = system_results(study, results)
    shown = [
        (result, section(result.name, result.comparison, result.training))
        for result in (*results, *results_elsewhere(study, cells))
    ]
    said: dict[str, Any] = {
        "baseline": study.baseline,
        "metric": PRIMARY,
        "text": text,
        "cells": len(cells),
        "done": sum(cell.state == "done" for cell in cells),
        "state": _state(cells),
        "verdicts": sentences({system.name: system.verdict for system in systems}),
    }
    paths = [folder / f"report.{kind}" for kind in ("html", "md", "json")]
    _write(paths[0], _page(said, systems, results, shown))
    _write(paths[1], _markdown(said, systems, shown))
    write_json(paths[2], said | {"systems": list(map(_as_json, systems)), "corpora": _corpora_json(shown)})
    return paths


def _state(cells: Sequence[Cell]) -> str:
    left = Counter(f"{cell.corpus.name}/{cell.system.name}" for cell in cells if cell.state != "done")
    done = f"{len(cells) - left.total()} of {len(cells)} cells are done."
    if not left:
        return done
    return (
        f"{done} Until all are, verdicts are preliminary: looked at often enough, chance alone shows a difference. "
        f"Left are {', '.join(f'{name} ({count})' for name, count in left.items())}."
    )


def _page(
    said: dict[str, Any], systems: Sequence[SystemResult], results: Sequence[CorpusResult], shown: Sequence[Shown]
) -> str:
    curves: dict[str, list[CorpusResult]] = {}
    for result in results:
        if result.curve is not None:
            curves.setdefault(result.curve[0], []).append(result)
    learning = {name: learning_curve(of_sizes) for name, of_sizes in curves.items() if len(of_sizes) > 1}
    return render(
        "study.html", "sse_nmt.studies", title="What came out", **said, forest=forest(systems, said["baseline"]),
        learning=learning, sections=shown,
    )  # fmt: skip


def _markdown(said: dict[str, Any], systems: Sequence[SystemResult], shown: Sequence[Shown]) -> str:
    parts = ["# What came out", "\n".join(f"- {markdown_line(verdict)}" for verdict in said["verdicts"])]
    parts.append(f"{said['state']} Scores are on {said['text']} text.")
    rows = [row for system in systems for row in _rows(system)]
    parts.append(markdown_table(("system", "corpus", f"Δ {PRIMARY}", "95 % interval", "p"), rows, left=(0, 1)))
    for result, of_corpus in shown:
        parts.append(f"## {of_corpus.name}\n\n{result.pairs:,} training pairs.")
        parts += [markdown_table(head, body) for head, *body in of_corpus.tables]
        parts.append("\n".join(map(markdown_line, of_corpus.notes)))
        if of_corpus.words:
            head, *body = of_corpus.words
            parts.append("F-measure of words by how often the training text has them, in percent, first seed:")
            parts.append(markdown_table(head, body))
    return "\n\n".join(parts) + "\n"


def _rows(system: SystemResult) -> list[list[str]]:
    rows = [
        [system.name, corpus, f"{each.value:+.2f}", f"[{each.low:+.2f}, {each.high:+.2f}]",
         _p(system.p_values[corpus])]
        for corpus, each in system.differences.items()
    ]  # fmt: skip
    if system.combined is not None:
        whole = system.combined
        interval = f"[{whole.low:+.2f}, {whole.high:+.2f}]"
        rows.append([system.name, system.together, f"{whole.value:+.2f}", interval, _p(system.combined_p)])
    return rows


def _p(value: float | None) -> str:
    return "" if value is None else rounded_p(value)


def _as_json(system: SystemResult) -> dict[str, Any]:
    return {
        "name": system.name,
        "verdict": system.verdict,
        "differences": {corpus: asdict(each) for corpus, each in system.differences.items()},
        "p_values": system.p_values,
        "corpora": system.corpora,
        "combined": None if system.combined is None else asdict(system.combined) | {"p_value": system.combined_p},
    }


def _corpora_json(shown: Sequence[Shown]) -> dict[str, Any]:
    said = {}
    for result, of_corpus in shown:
        comparison = as_json(result.comparison)
        for system in comparison["systems"]:
            for run in system["runs"]:  # wherever the study is
                run["folder"] = f"{result.corpus}/{system['name']}/{run['seed']}"
        said[result.name] = {"pairs": result.pairs, "words": of_corpus.words, "comparison": comparison}
    return said


def _write(path: Path, content: str) -> None:
    with atomic_write(path) as file:
        file.write(content)
