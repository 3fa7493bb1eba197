"""Pictures of a study as SVG that takes the page's own colour of text, by day and by night."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import matplotlib
import matplotlib.axes
import matplotlib.figure

from sse_nmt.evaluation.comparison import PRIMARY, Comparison
from sse_nmt.studies.results import CorpusResult, SystemResult

_TEXT = "#010203"  # stands for the page's colour of text, which matplotlib does not know
_SIZE = re.compile(r'^<svg ([^>]*?)width="[^"]*" height="[^"]*"')
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito's: told apart by all
_STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "sse_nmt", "font.family": "sans-serif", "font.size": 10,
    "text.color": _TEXT, "axes.labelcolor": _TEXT, "axes.edgecolor": _TEXT, "xtick.color": _TEXT, "ytick.color": _TEXT,
}  # fmt: skip


def forest(systems: Sequence[SystemResult], baseline: str) -> str:
    """Differences corpus by corpus with their intervals; below them the combined one, and thin what another corpus
    may bring."""
    rows: list[tuple[SystemResult, str | None]] = []
    for system in systems:
        rows += [(system, corpus) for corpus in system.differences]
        rows += [] if system.combined is None else [(system, None)]
    with matplotlib.rc_context(_STYLE):  # type: ignore[arg-type]  # keys that it knows
        figure = matplotlib.figure.Figure(figsize=(7, 0.6 + 0.32 * len(rows)), layout="constrained")
        axes = figure.subplots()
        labels = []
        for place, (system, corpus) in enumerate(rows):
            colour = _COLOURS[systems.index(system) % len(_COLOURS)]
            labels.append(f"{system.name}, {corpus or 'combined'}")
            _draw_row(axes, -place, system, corpus, colour)
        axes.axvline(0, color=_TEXT, linewidth=0.8)
        axes.set_yticks([-place for place in range(len(rows))], labels)
        axes.set_xlabel(f"{PRIMARY} − {baseline}")
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        return _svg(figure, f"Differences in {PRIMARY} to {baseline}, with 95 % intervals")


def _draw_row(axes: matplotlib.axes.Axes, place: int, system: SystemResult, corpus: str | None, colour: str) -> None:
    if corpus is not None:
        each = system.differences[corpus]
        axes.plot([each.low, each.high], [place, place], color=colour, linewidth=1.5, alpha=0.7)
        axes.plot([each.value], [place], "s", color=colour, markersize=5, fillstyle="full" if each.p_value else "none")
    elif system.combined is not None:
        whole = system.combined
        if whole.expected is not None:
            axes.plot(whole.expected, [place, place], color=colour, linewidth=0.8)
        axes.plot([whole.low, whole.high], [place, place], color=colour, linewidth=4)
        axes.plot([whole.value], [place], "D", color=colour, markersize=7)


def validation_curves(comparison: Comparison) -> str:
    """Validation loss by update, a line a run."""
    with matplotlib.rc_context(_STYLE):  # type: ignore[arg-type]
        figure = matplotlib.figure.Figure(figsize=(7, 3.2), layout="constrained")
        axes = figure.subplots()
        for number, system in enumerate(comparison.systems):
            for run in system.runs:
                label = system.name if run is system.runs[0] else None
                colour = _COLOURS[number % len(_COLOURS)]
                axes.plot(*zip(*run.curve, strict=True), color=colour, label=label, linewidth=1.2)
        axes.set_xlabel("updates")
        axes.set_ylabel("validation loss, bits")
        _finish(axes)
        return _svg(figure, "Validation loss by update, a line a training")


def learning_curve(results: Sequence[CorpusResult]) -> str:
    """The primary score by training pairs, a line a system."""
    lines: dict[str, list[tuple[int, float, float]]] = {}
    for result in sorted(results, key=lambda result: result.pairs):
        for system in result.comparison.systems:
            point = result.pairs, system.mean(PRIMARY), system.deviation(PRIMARY) or 0.0
            lines.setdefault(system.name, []).append(point)
    with matplotlib.rc_context(_STYLE):  # type: ignore[arg-type]
        figure = matplotlib.figure.Figure(figsize=(7, 3.2), layout="constrained")
        axes = figure.subplots()
        for number, (name, points) in enumerate(lines.items()):
            pairs, means, deviations = zip(*points, strict=True)
            colour = _COLOURS[number % len(_COLOURS)]
            axes.errorbar(pairs, means, deviations, color=colour, label=name, linewidth=1.2, capsize=3, marker="o")
        axes.set_xscale("log")
        axes.set_xlabel("training pairs")
        axes.set_ylabel(PRIMARY)
        _finish(axes)
        return _svg(figure, f"{PRIMARY} by training pairs, with the deviation over seeds")


def _finish(axes: matplotlib.axes.Axes) -> None:
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _svg(figure: matplotlib.figure.Figure, title: str) -> str:
    """The element alone, with words for those who do not see it."""
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = file.getvalue()
    element = text[text.index("<svg") :].replace(_TEXT, "currentColor")
    return _SIZE.sub(rf'<svg role="img" aria-label="{title}" \1', element, count=1)
