"""A comparison as Markdown, CSV, JSON, and a page of HTML."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sse_nmt.evaluation import published_scores
from sse_nmt.evaluation.comparison import PRIMARY, Comparison, System
from sse_nmt.evaluation.page import render
from sse_nmt.evaluation.sections import section
from sse_nmt.evaluation.significance import SAMPLES, SEED
from sse_nmt.evaluation.tables import notes, published, quotation, tables
from sse_nmt.evaluation.verdicts import verdicts
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.system.atomic_files import atomic_write, write_json
from sse_nmt.system.harmless import csv_cell, markdown_line
from sse_nmt.system.tables import markdown_table


def write_report(comparison: Comparison, folder: Path, quoted: bool = False) -> list[Path]:
    """Write everything into ``folder``; return the paths. ``quoted``: with the scores that the paper reports."""
    paths = [folder / f"{comparison.suite.name}.{kind}" for kind in ("md", "csv", "json", "html")]
    for path, content in zip(paths[:2], (as_markdown(comparison, quoted), as_csv(comparison)), strict=True):
        with atomic_write(path) as file:
            file.write(content)
    write_json(paths[2], as_json(comparison, quoted))
    with atomic_write(paths[3]) as file:
        file.write(_as_html(comparison, quoted))
    return paths


def as_markdown(comparison: Comparison, quoted: bool = False) -> str:
    """The tables, what their numbers mean, and if asked for the paper's scores, set apart."""
    parts = [markdown_table(head, rows) for head, *rows in tables(comparison)]
    parts.append("\n".join(map(markdown_line, notes(comparison))))
    if quoted:
        head, *rows = published(comparison)
        parts += [quotation(), markdown_table(head, rows)]
    return "\n\n".join(parts) + "\n"


def as_json(comparison: Comparison, quoted: bool = False) -> dict[str, Any]:
    """All numbers; scores are the mean over the runs."""
    numbers = {
        "texts": comparison.sentences,
        "signatures": comparison.signatures,
        "primary": {"metric": PRIMARY, "part": comparison.suite.primary},
        "bootstrap": {"samples": SAMPLES, "seed": SEED},
        "systems": [_system_json(system, list(comparison.signatures)) for system in comparison.systems],
    }
    return numbers | ({"quoted": {"source": published_scores.SOURCE, "BLEU": published_scores.BLEU}} if quoted else {})


def as_csv(comparison: Comparison) -> str:
    """One line for each system, text or mean, and metric."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["system", "runs", "part", "sentences", "metric", "mean", "deviation", "difference", "low", "high"])
    for system in comparison.systems:
        for metric in comparison.signatures:
            for part, texts in comparison.suite.parts.items():
                sentences = sum(comparison.sentences[text] for text in texts)
                deviation = system.deviation(metric, part)
                own = [system.mean(metric, part), "" if deviation is None else deviation]
                found = system.differences.get(part, {}).get(metric)
                compared = ["", "", ""] if found is None else [found.value, found.low, found.high]
                writer.writerow([csv_cell(system.name), len(system.runs), part, sentences, metric, *own, *compared])
    return file.getvalue()


def _system_json(system: System, metrics: list[str]) -> dict[str, Any]:
    return {
        "name": system.name,
        "scores": {
            name: {
                part: {"mean": system.mean(name, part), "deviation": system.deviation(name, part)}
                for part in system.suite.parts
            }
            for name in metrics
        },
        "p_value": system.p_value,
        "differences": {
            part: {name: asdict(difference) for name, difference in of_part.items()}
            for part, of_part in system.differences.items()
        },
        "texts_ahead": system.texts_ahead,
        "runs": [
            {"folder": str(run.path), "seed": run.seed, "updates": run.record.updates, "search": run.record.search,
             "sentences_per_second": run.record.sentences_per_second, "scores": run.scores,
             "validation_curve": run.curve, "machine": run.machine}
            for run in system.runs
        ],
    }  # fmt: skip


def _as_html(comparison: Comparison, quoted: bool) -> str:
    shown = section(comparison.suite.name, comparison, _training_text(comparison))
    return render(
        "comparison.html", title="Comparison of translation systems", verdicts=verdicts(comparison), section=shown,
        baseline=comparison.systems[0].name, quoted=published(comparison) if quoted else [], quotation=quotation(),
    )  # fmt: skip


def _training_text(comparison: Comparison) -> Path | None:
    """In the target language, where the data of the first run still are."""
    run = RunFolder(comparison.systems[0].runs[0].path)
    data = run.record["data"].get("folder")
    return None if data is None else Path(data) / "text" / f"train.{run.languages[1]}"
