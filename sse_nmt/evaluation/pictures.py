"""Pictures of a comparison."""

from __future__ import annotations

from pathlib import Path

import matplotlib.figure

from sse_nmt.evaluation.comparison import PRIMARY, Comparison
from sse_nmt.system.atomic_files import atomic_write


def draw_curves(comparison: Comparison, path: Path) -> None:
    """Validation loss by update, a line a run."""
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
    _save(figure, path)


def draw_differences(comparison: Comparison, path: Path) -> None:
    """BLEU less the baseline's, text by text, with its 95 % interval."""
    baseline, *others = comparison.systems
    width = 0.8 / len(others)
    figure = matplotlib.figure.Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    texts = list(comparison.suite.texts)
    for number, system in enumerate(others):
        places = [place + (number - (len(others) - 1) / 2) * width for place in range(len(texts))]
        found = [system.differences[text][PRIMARY] for text in texts]
        below, above = [each.value - each.low for each in found], [each.high - each.value for each in found]
        spread = [[max(0.0, reach) for reach in side] for side in (below, above)]
        values = [each.value for each in found]
        axes.bar(places, values, width, yerr=spread, capsize=3, label=system.name, error_kw={"linewidth": 0.8})
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(range(len(texts)), texts)
    axes.set_xlabel(comparison.suite.name)
    axes.set_ylabel(f"{PRIMARY} − {baseline.name}")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3, axis="y")
    _save(figure, path)


def _save(figure: matplotlib.figure.Figure, path: Path) -> None:
    with atomic_write(path, "wb") as file:
        figure.savefig(file, format="png", dpi=120)
