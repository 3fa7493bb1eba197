"""A comparison as Markdown, JSON, HTML and a picture of the validation losses."""

from __future__ import annotations

import html
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib.figure

from sse_nmt.atomic_files import whole_file, write_json
from sse_nmt.evaluation.comparison import PRIMARY, Comparison, System
from sse_nmt.evaluation.page import image, page, table
from sse_nmt.evaluation.significance import SAMPLES, SEED, Difference

_SCORES = ("BLEU", "chrF", "chrF++", "TER")
_COLUMNS = ["system", "runs", "valid. loss", *_SCORES, f"Δ {PRIMARY}", "95 % interval", "p"]
_DESCRIBED = [name for name in _SCORES if name != PRIMARY]
_DIFFERENCES = ["system", *(column for name in _DESCRIBED for column in (f"Δ {name}", "95 % interval"))]


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
    lines = _table([_COLUMNS, *(_cells(system) for system in comparison.systems)])
    if len(comparison.systems) > 1:
        lines += ["", *_table(_differences(comparison))]
    return "\n".join([*lines, "", *notes(comparison), ""])


def _differences(comparison: Comparison) -> list[list[str]]:
    """What is described and not tested: the other metrics."""
    rows = [_DIFFERENCES]
    for system in comparison.systems[1:]:
        found = [system.differences[name] for name in _DESCRIBED]
        rows.append([system.name, *(cell for each in found for cell in (f"{each.value:+.2f}", _interval(each)))])
    return rows


def _interval(difference: Difference) -> str:
    return f"[{difference.low:+.2f}, {difference.high:+.2f}]"


def _table(rows: list[list[str]]) -> list[str]:
    head, *body = rows
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = [_row(head, widths), "|" + "|".join(_rule(i, width) for i, width in enumerate(widths)) + "|"]
    return lines + [_row(cells, widths) for cells in body]


def notes(comparison: Comparison) -> list[str]:
    """What the table was made of: text, signatures, test."""
    seeds = "; ".join(f"{s.name} {', '.join(str(run.seed) for run in s.runs)}" for s in comparison.systems)
    return [
        f"{comparison.sentences:,} {comparison.split} sentences. Seeds: {seeds}.",
        *(f"{name}: `{signature}`" for name, signature in comparison.signatures.items()),
        *what_the_test_is(comparison),
    ]


def what_the_test_is(comparison: Comparison) -> list[str]:
    """What interval and p of a table mean, for as many runs as there are."""
    baseline, *others = comparison.systems
    notes = ["±: standard deviation over runs."] if any(len(s.runs) > 1 for s in comparison.systems) else []
    if any(system.p_value is not None for system in others):
        notes.append(
            f"Δ, interval, p: against {baseline.name}, over sentences ({SAMPLES:,} resamples, seed {SEED}) and seeds "
            f"(pooled variance), Satterthwaite's t test; {PRIMARY} alone is tested, p by Holm over {len(others)} "
            f"system{'s' if len(others) > 1 else ''}; the other metrics are described."
        )
    if any(system.p_value is None for system in others):
        alone = [s.name for s in others if s.p_value is None]
        notes.append(
            f"Interval of {', '.join(alone)}: this text only ({SAMPLES:,} resamples of sentences, seed {SEED}); says "
            f"nothing of another training, so there is no p."
        )
    return notes


def as_json(comparison: Comparison) -> dict[str, Any]:
    """All numbers; scores are the mean over the runs."""
    return {
        "split": comparison.split,
        "sentences": comparison.sentences,
        "signatures": comparison.signatures,
        "primary": PRIMARY,
        "bootstrap": {"samples": SAMPLES, "seed": SEED},
        "systems": [_system_json(system, list(comparison.signatures)) for system in comparison.systems],
    }


def _system_json(system: System, metrics: list[str]) -> dict[str, Any]:
    return {
        "name": system.name,
        "scores": {name: {"mean": system.mean(name), "deviation": system.deviation(name)} for name in metrics},
        "best_validation_loss": system.best_loss,
        "p_value": system.p_value,
        "differences": {name: asdict(difference) for name, difference in system.differences.items()},
        "runs": [
            {"folder": str(run.path), "seed": run.seed, "updates": run.updates, "scores": run.scores,
             "best_validation_loss": run.best_loss, "validation_curve": run.curve}
            for run in system.runs
        ],
    }  # fmt: skip


def _cells(system: System) -> list[str]:
    scores = [_with_deviation(system.mean(name), system.deviation(name)) for name in _SCORES]
    cells = [system.name, str(len(system.runs)), f"{system.best_loss:.3f}", *scores]
    difference = system.differences.get(PRIMARY)
    if difference is None:
        return [*cells, "", "", ""]
    p_value = "–" if system.p_value is None else f"{system.p_value:.3f}"
    return [*cells, f"{difference.value:+.2f}", _interval(difference), p_value]


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
    more = [table(_differences(comparison))] if len(comparison.systems) > 1 else []
    remarks = [f"<p>{html.escape(note)}</p>\n" for note in notes(comparison)]
    return page(
        "Comparison of translation systems", [table(rows), *more, *remarks, image(picture, "Validation loss by update")]
    )
