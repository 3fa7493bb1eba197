"""Pictures of a comparison."""

from __future__ import annotations

from sse_nmt.evaluation.comparison import PRIMARY, Comparison
from sse_nmt.evaluation.svg import TEXT, colour, picture


def pictures(comparison: Comparison) -> dict[str, str]:
    """What each shows -> SVG."""
    if len(comparison.suite.texts) == 1:
        return {"Validation loss": validation_curves(comparison)}
    if len(comparison.systems) > 1:
        return {f"Differences in {PRIMARY} by text": differences(comparison)}
    return {}


def validation_curves(comparison: Comparison) -> str:
    """Validation loss by update, a line a run."""
    with picture("Validation loss by update, a line a training", 3.2) as (drawn, axes):
        for number, system in enumerate(comparison.systems):
            for run in system.runs:
                label = system.name if run is system.runs[0] else None
                axes.plot(*zip(*run.curve, strict=True), color=colour(number), label=label, linewidth=1.2)
        axes.set_ylim(top=_upper_end(comparison))
        axes.set_xlabel("updates")
        axes.set_ylabel("validation loss, bits")
        axes.legend(frameon=False)
        axes.grid(alpha=0.3)
    return drawn.svg


def _upper_end(comparison: Comparison) -> float:
    """The highest loss after the first tenth of the updates, where lines still fall too steeply to be told apart; of a
    training that ended before, its last one.
    """
    curves = [run.curve for system in comparison.systems for run in system.runs]
    begin = max(curve[-1][0] for curve in curves) / 10
    return 1.02 * max(loss for curve in curves for update, loss in curve if update >= min(begin, curve[-1][0]))


def differences(comparison: Comparison) -> str:
    """BLEU less the baseline's, text by text, with its 95 % interval."""
    baseline, *others = comparison.systems
    width = 0.8 / len(others)
    texts = list(comparison.suite.texts)
    with picture(f"Differences in {PRIMARY} to {baseline.name} by text, with 95 % intervals", 3.6) as (drawn, axes):
        for number, system in enumerate(others):
            places = [place + (number - (len(others) - 1) / 2) * width for place in range(len(texts))]
            found = [system.differences[text][PRIMARY] for text in texts]
            below, above = [each.value - each.low for each in found], [each.high - each.value for each in found]
            spread = [[max(0.0, reach) for reach in side] for side in (below, above)]
            axes.bar(
                places, [each.value for each in found], width, yerr=spread, capsize=3, label=system.name,
                color=colour(number + 1), error_kw={"linewidth": 0.8, "ecolor": TEXT},
            )  # fmt: skip
        axes.axhline(0, color=TEXT, linewidth=0.8)
        axes.set_xticks(range(len(texts)), texts)
        axes.set_xlabel(comparison.suite.name)
        axes.set_ylabel(f"{PRIMARY} − {baseline.name}")
        axes.legend(frameon=False)
        axes.grid(alpha=0.3, axis="y")
    return drawn.svg
