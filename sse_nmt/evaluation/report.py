"""A comparison as Markdown, JSON, HTML and a picture of the validation losses."""

from __future__ import annotations

import html
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib.figure

from sse_nmt.atomic_files import whole_file, write_json
from sse_nmt.evaluation.comparison import Comparison, System
from sse_nmt.evaluation.page import image, page, table
from sse_nmt.evaluation.significance import SAMPLES, SEED

_COLUMNS = ["system", "runs", "valid. loss", "BLEU", "chrF", "TER", "Δ BLEU", "95 % interval", "p"]


def write_report(comparison: Comparison, folder: Path) -> list[Path]:
    """Write comparison.{md,json,html} and validation_loss.png into ``folder``; return their paths."""
    picture = folder / "validation_loss.png"
    _draw_curves(comparison, picture)
    with whole_file(folder / "comparison.md") as file:
        file.write(as_markdown(comparison))
    write_json(folder / "comparison.json", as_json(comparison))
    with whole_file(folder / "comparison.html") as file:
        file.write(_as_html(comparison, picture))
    return [folder / "comparison.md", folder / "comparison.json", folder / "comparison.html", picture]


def as_markdown(comparison: Comparison) -> str:
    """The table, and below it all that the numbers mean."""
    rows = [_cells(system) for system in comparison.systems]
    widths = [max(len(row[i]) for row in [_COLUMNS, *rows]) for i in range(len(_COLUMNS))]
    lines = [_row(_COLUMNS, widths), "|" + "|".join(_rule(i, width) for i, width in enumerate(widths)) + "|"]
    lines += [_row(cells, widths) for cells in rows]
    return "\n".join([*lines, "", *notes(comparison), ""])


def notes(comparison: Comparison) -> list[str]:
    """What the table was made of: text, signatures, test."""
    seeds = "; ".join(f"{s.name} {', '.join(str(run.seed) for run in s.runs)}" for s in comparison.systems)
    return [
        f"{comparison.sentences:,} {comparison.split} sentences. Seeds: {seeds}.",
        *(f"{name}: `{signature}`" for name, signature in comparison.signatures.items()),
        f"Interval and p: paired bootstrap against {comparison.systems[0].name}, {SAMPLES:,} resamples of sentences, "
        f"seed {SEED}, p as in sacreBLEU. ±: standard deviation over runs. How much another seed of the training would "
        f"change is in ± alone, not in interval and p.",
    ]


def as_json(comparison: Comparison) -> dict[str, Any]:
    """All numbers; scores are the mean over the runs."""
    return {
        "split": comparison.split,
        "sentences": comparison.sentences,
        "signatures": comparison.signatures,
        "bootstrap": {"samples": SAMPLES, "seed": SEED},
        "systems": [_system_json(system, list(comparison.signatures)) for system in comparison.systems],
    }


def _system_json(system: System, metrics: list[str]) -> dict[str, Any]:
    return {
        "name": system.name,
        "scores": {name: {"mean": system.mean(name), "deviation": system.deviation(name)} for name in metrics},
        "best_validation_loss": system.best_loss,
        "differences": {name: asdict(difference) for name, difference in system.differences.items()},
        "runs": [
            {"folder": str(run.path), "seed": run.seed, "updates": run.updates, "scores": run.scores,
             "best_validation_loss": run.best_loss, "validation_curve": run.curve}
            for run in system.runs
        ],
    }  # fmt: skip


def _cells(system: System) -> list[str]:
    scores = [_with_deviation(system.mean(name), system.deviation(name)) for name in ("BLEU", "chrF", "TER")]
    cells = [system.name, str(len(system.runs)), f"{system.best_loss:.3f}", *scores]
    difference = system.differences.get("BLEU")
    if difference is None:
        return [*cells, "", "", ""]
    interval = f"[{difference.low:+.2f}, {difference.high:+.2f}]"
    return [*cells, f"{difference.value:+.2f}", interval, f"{difference.p_value:.3f}"]


def _with_deviation(mean: float, deviation: float | None) -> str:
    return f"{mean:.2f}" if deviation is None else f"{mean:.2f} ± {deviation:.2f}"


def _row(cells: list[str], widths: list[int]) -> str:
    first, *rest = (
        cell.ljust(width) if i == 0 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join([first, *rest]) + " |"


def _rule(column: int, width: int) -> str:
    return "-" * (width + 2) if column == 0 else "-" * (width + 1) + ":"


def _draw_curves(comparison: Comparison, path: Path) -> None:
    figure = matplotlib.figure.Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for number, system in enumerate(comparison.systems):
        for run in system.runs:
            label = system.name if run is system.runs[0] else None
            axes.plot(*zip(*run.curve, strict=True), color=f"C{number}", label=label, linewidth=1.5)
    axes.set_xlabel("updates")
    axes.set_ylabel("validation loss (bits per token)")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    with whole_file(path, "wb") as file:
        figure.savefig(file, format="png", dpi=120)


def _as_html(comparison: Comparison, picture: Path) -> str:
    rows = [_COLUMNS, *(_cells(system) for system in comparison.systems)]
    remarks = [f"<p>{html.escape(note)}</p>\n" for note in notes(comparison)]
    return page(
        "Comparison of translation systems", [table(rows), *remarks, image(picture, "Validation loss by update")]
    )
