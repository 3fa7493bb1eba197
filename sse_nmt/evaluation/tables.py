"""The tables of a comparison, as rows of which the first is the head, and what their numbers mean.

On one text a metric has a column; on several a text has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sse_nmt.evaluation.comparison import PRIMARY, Comparison, System
from sse_nmt.evaluation.published_scores import BLEU, SOURCE
from sse_nmt.evaluation.scoring import DEFAULT_TOKENISER, metrics
from sse_nmt.evaluation.significance import SAMPLES, SEED, Difference, rounded_p

Rows = list[list[str]]
_METRICS = tuple(metrics(tokenize=DEFAULT_TOKENISER))
_IN_WORDS = {"valid": "validation"}
_FEW = 100  # sentences
_MANY = 0.01  # of the translations
_DESCRIBED = [name for name in _METRICS if name != PRIMARY]


def tables(comparison: Comparison) -> list[Rows]:
    """The main one first."""
    if len(comparison.suite.texts) > 1:
        return [_by_text(comparison)]
    main = [
        ["system", "runs", "valid. loss", *_METRICS, f"Δ {PRIMARY}", "95 % interval", "p"],
        *map(_row_of_metrics, comparison.systems),
    ]
    return [main, _described(comparison)] if len(comparison.systems) > 1 else [main]


def published(comparison: Comparison) -> Rows:
    """The scores that the paper reports on these texts, and their difference."""
    rows = [[name, *_one_decimal(comparison, bleu), ""] for name, bleu in BLEU.items()]
    plain, shared = BLEU.values()
    rows[1][-1] = f"{sum(shared[year] > plain[year] for year in plain)}/{len(plain)}"
    difference = {year: shared[year] - plain[year] for year in plain}
    return [_columns_of_texts(comparison), *rows, ["Δ", *_one_decimal(comparison, difference, "+"), ""]]


def quotation() -> str:
    return f"Quoted, not measured here ({SOURCE}); which BLEU it is the paper does not say:"


def notes(comparison: Comparison) -> list[str]:
    """What the tables were made of: text, search, signatures, test."""
    seeds = "; ".join(f"{s.name} {', '.join(str(run.seed) for run in s.runs)}" for s in comparison.systems)
    suite, sentences = comparison.suite, sum(comparison.sentences.values())
    what = (
        f"{sentences:,} {_IN_WORDS.get(suite.primary, suite.primary)} sentences"
        if len(suite.texts) == 1
        else f"{suite.title}: {sentences:,} sentences"
    )
    return [
        f"{what}. Seeds: {seeds}.{_search(comparison)}",
        *_machines(comparison.systems),
        *_empty(comparison.systems, sentences),
        *(f"{name}: `{signature}`" for name, signature in comparison.signatures.items()),
        *what_the_test_is(comparison),
    ]


def what_the_test_is(comparison: Comparison) -> list[str]:
    """What interval and p of a table mean, for as many runs as there are."""
    baseline, *others = comparison.systems
    several = len(comparison.suite.texts) > 1
    drawn = f"{SAMPLES:,} resamples of {'each text’s ' if several else ''}sentences, seed {SEED}"
    tested = f"{PRIMARY}'s mean over {comparison.suite.primary}" if several else PRIMARY
    described = "single texts and other means" if several else "the other metrics"
    notes = ["±: standard deviation over runs."] if any(len(s.runs) > 1 for s in comparison.systems) else []
    if several and others:
        notes.append(f"Δ: difference to {baseline.name}; from, to: its 95 % interval.")
    if any(system.p_value is not None for system in others):
        tests = sum(system.p_value is not None for system in others)
        equal = all(len(system.runs) == len(baseline.runs) for system in others)
        notes.append(
            f"Δ, interval, p: against {baseline.name}, over sentences ({drawn}) and seeds "
            f"({'pooled variance' if equal else 'variances apart where their numbers differ'}), "
            f"Satterthwaite's t test; {tested} alone is tested, p by Holm over {tests} "
            f"system{'s' * (tests > 1)}; {described} are described."
        )
        if several:
            notes.append("A seed moves all texts together: with no difference at all a system is often ahead in most.")
    if others and sum(comparison.sentences.values()) < _FEW:
        notes.append(f"Fewer than {_FEW} sentences: what others would say varies more than resamples of these show.")
    alone = [system.name for system in others if system.p_value is None]
    if alone:
        notes.append(
            f"Interval of {', '.join(alone)}: {'these texts' if several else 'this text'} only ({drawn}); says nothing "
            f"of another training, so there is no p."
        )
    return notes


def _machines(systems: Sequence[System]) -> list[str]:
    """Where trainings were done, unless all were on machines of one kind: a difference may then be the machines'."""
    kinds = sorted({run.machine for system in systems for run in system.runs})
    if len(kinds) == 1:
        return []
    trained = "; ".join(_trained_on(kind, systems) for kind in kinds)
    return [f"Machine or PyTorch differ, so that a difference may be theirs. Seeds trained on {trained}."]


def _empty(systems: Sequence[System], sentences: int) -> list[str]:
    """Runs of which so many translations are empty that their scores say little."""
    found = [(f"{system.name} {run.seed}", run.empty) for system in systems for run in system.runs]
    said = [f"{name} {empty:,}" for name, empty in found if empty > _MANY * sentences]
    return [f"Empty translations of {sentences:,}: {', '.join(said)}."] if said else []


def _trained_on(machine: str, systems: Sequence[System]) -> str:
    there = {system.name: [str(run.seed) for run in system.runs if run.machine == machine] for system in systems}
    return f"{machine}: {', '.join(' '.join([name, *seeds]) for name, seeds in there.items() if seeds)}"


def _search(comparison: Comparison) -> str:
    search = comparison.systems[0].runs[0].record.search
    if not {"beam", "length_penalty", "engine", "compute_type"} <= search.keys():
        return ""
    candidates = f", {search['candidates']} candidates" if search.get("candidates") is not None else ""
    checkpoint = f", {search['checkpoint']}" if "checkpoint" in search else ""
    return (
        f" Beam {search['beam']}, length penalty {search['length_penalty']}, {search['engine']} "
        f"{search['compute_type']}{candidates}{checkpoint}."
    )


def _row_of_metrics(system: System) -> list[str]:
    scores = [_with_deviation(system.mean(name), system.deviation(name)) for name in _METRICS]
    cells = [system.name, str(len(system.runs)), f"{system.best_loss:.3f}", *scores]
    if not system.differences:
        return [*cells, "", "", ""]
    difference = system.differences[system.suite.primary][PRIMARY]
    return [*cells, f"{difference.value:+.2f}", _interval(difference), _p(system)]


def _described(comparison: Comparison) -> Rows:
    """What is described and not tested: the other metrics."""
    rows = [["system", *(column for name in _DESCRIBED for column in (f"Δ {name}", "95 % interval"))]]
    for system in comparison.systems[1:]:
        found = [system.differences[system.suite.primary][name] for name in _DESCRIBED]
        rows.append([system.name, *(cell for each in found for cell in (f"{each.value:+.2f}", _interval(each)))])
    return rows


def _columns_of_texts(comparison: Comparison) -> list[str]:
    suite = comparison.suite
    return [PRIMARY, *(text[-2:] for text in suite.texts), *suite.means, "ahead"]


def _by_text(comparison: Comparison) -> Rows:
    """A row of BLEU for each system, below it its deviation over seeds, difference and p, as far as there are such."""
    suite, parts = comparison.suite, list(comparison.suite.parts)
    rows = [_columns_of_texts(comparison)]
    for system in comparison.systems:
        ahead = f"{system.texts_ahead}/{len(suite.texts)}" if system.differences else ""
        rows.append([system.name, *(f"{system.mean(PRIMARY, part):.2f}" for part in parts), ahead])
        if len(system.runs) > 1:
            deviations = [system.deviation(PRIMARY, part) for part in parts]
            rows.append([f"± of {len(system.runs)} runs", *(f"{value:.2f}" for value in deviations), ""])
        if system.differences:
            found = [system.differences[part][PRIMARY] for part in parts]
            rows.append(["Δ", *(f"{each.value:+.2f}" for each in found), ""])
            rows.append(["from", *(f"{each.low:+.2f}" for each in found), ""])
            rows.append(["to", *(f"{each.high:+.2f}" for each in found), ""])
            rows.append(["p", *(_p(system) if part == suite.primary else "" for part in parts), ""])
    return rows


def _one_decimal(comparison: Comparison, bleu: Mapping[int, float], sign: str = "") -> list[str]:
    parts: Sequence[Sequence[str]] = list(comparison.suite.parts.values())
    return [format(sum(bleu[int(text)] for text in part) / len(part), f"{sign}.1f") for part in parts]


def _with_deviation(mean: float, deviation: float | None) -> str:
    return f"{mean:.2f}" if deviation is None else f"{mean:.2f} ± {deviation:.2f}"


def _interval(difference: Difference) -> str:
    return f"[{difference.low:+.2f}, {difference.high:+.2f}]"


def _p(system: System) -> str:
    return "–" if system.p_value is None else rounded_p(system.p_value)
