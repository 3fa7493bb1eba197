"""Pictures of a study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import matplotlib.axes
from matplotlib.ticker import NullLocator, StrMethodFormatter

from sse_nmt.evaluation.comparison import PRIMARY
from sse_nmt.evaluation.svg import TEXT, colour, picture
from sse_nmt.studies.results import CorpusResult, SystemResult


def forest(systems: Sequence[SystemResult], baseline: str) -> str:
    """Differences corpus by corpus with their intervals; below them the combined one, and thin what another corpus
    may bring."""
    rows: list[tuple[SystemResult, str | None]] = []
    for system in systems:
        rows += [(system, corpus) for corpus in system.differences]
        rows += [] if system.combined is None else [(system, None)]
    title = f"Differences in {PRIMARY} to {baseline}, with 95 % intervals"
    with picture(title, 0.6 + 0.32 * len(rows)) as (drawn, axes):
        for place, (system, corpus) in enumerate(rows):
            _draw_row(axes, -place, system, corpus, colour(1 + systems.index(system)))
        axes.axvline(0, color=TEXT, linewidth=0.8)
        labels = [f"{system.name}, {corpus or system.together}" for system, corpus in rows]
        axes.set_yticks([-place for place in range(len(rows))], labels)
        axes.set_ylim(0.4 - len(rows), 0.6)
        axes.set_xlabel(f"{PRIMARY} − {baseline}")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
    return drawn.svg


def _draw_row(axes: matplotlib.axes.Axes, place: int, system: SystemResult, corpus: str | None, colour: str) -> None:
    if corpus is not None:
        each = system.differences[corpus]
        axes.plot([each.low, each.high], [place, place], color=colour, linewidth=1.5)
        axes.plot([each.value], [place], "s", color=colour, markersize=5, fillstyle=_fill(each.p_value))
    elif system.combined is not None:
        whole = system.combined
        if whole.expected is not None:
            axes.plot(whole.expected, [place, place], color=colour, linewidth=0.8)
        axes.plot([whole.low, whole.high], [place, place], color=colour, linewidth=4)
        axes.plot([whole.value], [place], "D", color=colour, markersize=7)


def _fill(p_value: float | None) -> Literal["full", "none"]:
    return "none" if p_value is None else "full"


def learning_curve(results: Sequence[CorpusResult]) -> str:
    """The primary score by training pairs, a line a system."""
    lines: dict[str, list[tuple[int, float, float]]] = {}
    for result in sorted(results, key=lambda result: result.pairs):
        for system in result.comparison.systems:
            point = result.pairs, system.mean(PRIMARY), system.deviation(PRIMARY) or 0.0
            lines.setdefault(system.name, []).append(point)
    with picture(f"{PRIMARY} by training pairs, with the deviation over seeds", 3.2) as (drawn, axes):
        for number, (name, points) in enumerate(lines.items()):
            pairs, means, deviations = zip(*points, strict=True)
            axes.errorbar(
                pairs, means, deviations, color=colour(number), label=name, linewidth=1.2, capsize=3, marker="o"
            )
        axes.set_xscale("log")
        axes.set_xticks(sorted({result.pairs for result in results}))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("training pairs")
        axes.set_ylabel(PRIMARY)
        axes.legend(frameon=False)
        axes.grid(alpha=0.3)
    return drawn.svg
