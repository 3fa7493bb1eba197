"""The newstest table as Markdown, CSV, JSON, and HTML with the differences as bars."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib.figure

from sse_nmt.atomic_files import whole_file, write_json
from sse_nmt.evaluation import paper
from sse_nmt.evaluation.newstest_comparison import MEANS, PRIMARY_MEAN, YEARS, NewstestComparison, NewstestSystem
from sse_nmt.evaluation.page import image, page, table
from sse_nmt.evaluation.significance import SAMPLES, SEED, Difference

_COLUMNS = ["BLEU", *(f"{year % 100:02d}" for year in YEARS), *MEANS, "ahead"]
_PARTS = [(year,) for year in YEARS] + list(MEANS.values())


def write_newstest_report(comparison: NewstestComparison, folder: Path, quoted: bool) -> list[Path]:
    """Write newstest.{md,csv,json,html} and, with a system beside the baseline, newstest.png; return their paths."""
    paths = [folder / f"newstest.{kind}" for kind in ("md", "csv", "json", "html")]
    picture = folder / "newstest.png" if len(comparison.systems) > 1 else None
    if picture is not None:
        _draw_bars(comparison, picture)
    for path, content in zip(paths[:2], (newstest_markdown(comparison, quoted), _as_csv(comparison)), strict=True):
        with whole_file(path) as file:
            file.write(content)
    write_json(paths[2], newstest_json(comparison, quoted))
    with whole_file(paths[3]) as file:
        file.write(_as_html(comparison, picture, quoted))
    return paths if picture is None else [*paths, picture]


def newstest_markdown(comparison: NewstestComparison, quoted: bool) -> str:
    """The table, what its numbers mean, and if asked for the paper's rows, set apart."""
    lines = [*_markdown(_rows(comparison)), "", *notes(comparison)]
    if quoted:
        lines += ["", _quotation(), "", *_markdown(_quoted_rows())]
    return "\n".join([*lines, ""])


def notes(comparison: NewstestComparison) -> list[str]:
    """What the table was made of: text, systems, signatures, test."""
    seeds = "; ".join(f"{s.name} {', '.join(str(run.seed) for run in s.runs)}" for s in comparison.systems)
    search = comparison.systems[0].runs[0].search
    return [
        f"newstest2008–2018, English–German, {sum(comparison.sentences.values()):,} sentences. Seeds: {seeds}. "
        f"Beam {search['beam']}, length penalty {search['length_penalty']}, {search['engine']} "
        f"{search['compute_type']}, {search['checkpoint']}.",
        *(f"{name}: `{signature}`" for name, signature in comparison.signatures.items()),
        *(_test(comparison) if len(comparison.systems) > 1 else []),
    ]


def _test(comparison: NewstestComparison) -> list[str]:
    baseline, *others = comparison.systems
    drawn = f"{SAMPLES:,} resamples of each set's sentences, seed {SEED}"
    notes = [f"Δ: difference to {baseline.name}, from … to: its 95 % interval. ±: standard deviation over runs."]
    if any(system.p_value is not None for system in others):
        notes.append(
            f"Intervals and p are over sentences ({drawn}) and seeds (pooled variance), Satterthwaite's t test; the "
            f"mean {PRIMARY_MEAN} alone is tested, p by Holm over {len(others)} system{'s' * (len(others) > 1)}. "
            f"Years are described: a seed moves all of them together, so that with no difference at all a system is "
            f"often ahead in most."
        )
    alone = [system.name for system in others if system.p_value is None]
    if alone:
        notes.append(
            f"Intervals of {', '.join(alone)}: these texts only ({drawn}); one run says nothing of another training, "
            f"so there is no p."
        )
    return notes


def newstest_json(comparison: NewstestComparison, quoted: bool) -> dict[str, Any]:
    """All numbers; scores are the mean over the runs."""
    numbers = {
        "sentences": comparison.sentences,
        "signatures": comparison.signatures,
        "bootstrap": {"samples": SAMPLES, "seed": SEED},
        "systems": [_system_json(system, list(comparison.signatures)) for system in comparison.systems],
    }
    return numbers | ({"quoted": {"source": paper.SOURCE, "BLEU": paper.BLEU}} if quoted else {})


def _system_json(system: NewstestSystem, metrics: Sequence[str]) -> dict[str, Any]:
    parts = {str(year): (year,) for year in YEARS} | MEANS
    differences: dict[str, Difference] = {str(year): value for year, value in system.by_year.items()} | system.by_mean
    return {
        "name": system.name,
        "scores": {
            metric: {
                part: {"mean": system.mean(metric, years), "deviation": system.deviation(metric, years)}
                for part, years in parts.items()
            }
            for metric in metrics
        },
        "p_value": system.p_value,
        "differences": {part: asdict(difference) for part, difference in differences.items()},
        "years_ahead": system.years_ahead,
        "runs": [
            {"folder": str(run.path), "seed": run.seed, "updates": run.updates, "search": run.search,
             "sentences_per_second": run.sentences_per_second}
            for run in system.runs
        ],
    }  # fmt: skip


def _rows(comparison: NewstestComparison) -> list[list[str]]:
    """A row of BLEU for each system, below it its deviation over seeds, difference and p, as far as there are such."""
    rows = [_COLUMNS]
    for system in comparison.systems:
        ahead = f"{system.years_ahead}/{len(YEARS)}" if system.by_year else ""
        rows.append([system.name, *(f"{system.mean('BLEU', part):.2f}" for part in _PARTS), ahead])
        deviations = [system.deviation("BLEU", part) for part in _PARTS]
        if len(system.runs) > 1:
            rows.append([f"± of {len(system.runs)} runs", *(f"{value:.2f}" for value in deviations), ""])
        differences = [*system.by_year.values(), *system.by_mean.values()]
        if differences:
            rows.append(["Δ", *(f"{difference.value:+.2f}" for difference in differences), ""])
            rows.append(["from", *(f"{difference.low:+.2f}" for difference in differences), ""])
            rows.append(["to", *(f"{difference.high:+.2f}" for difference in differences), ""])
            p_value = "–" if system.p_value is None else f"{system.p_value:.3f}"
            rows.append(["p", *("" for _ in YEARS), *(p_value if label == PRIMARY_MEAN else "" for label in MEANS), ""])
    return rows


def _quotation() -> str:
    return f"Quoted, not measured here ({paper.SOURCE}); which BLEU it is the paper does not say:"


def _quoted_rows() -> list[list[str]]:
    rows = [[name, *_one_decimal(bleu), ""] for name, bleu in paper.BLEU.items()]
    plain, shared = paper.BLEU.values()
    ahead = sum(shared[year] > plain[year] for year in YEARS)
    rows[1][-1] = f"{ahead}/{len(YEARS)}"
    difference = {year: shared[year] - plain[year] for year in YEARS}
    return [_COLUMNS, *rows, ["Δ", *_one_decimal(difference, "+"), ""]]


def _one_decimal(bleu: dict[int, float], sign: str = "") -> list[str]:
    return [format(sum(bleu[year] for year in part) / len(part), f"{sign}.1f") for part in _PARTS]


def _markdown(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        first, *rest = row
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        yield "| " + " | ".join(cells) + " |"
        if number == 0:
            yield f"|{'-' * (widths[0] + 2)}|" + "".join(f"{'-' * (width + 1)}:|" for width in widths[1:])


def _as_csv(comparison: NewstestComparison) -> str:
    """One line for each system, set or mean, and metric; differences are those of BLEU."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["system", "runs", "part", "sentences", "metric", "mean", "deviation", "difference", "low", "high"])
    sentences = {str(year): count for year, count in comparison.sentences.items()}
    for label, years in MEANS.items():
        sentences[label] = sum(comparison.sentences[year] for year in years)
    for system, numbers in zip(comparison.systems, newstest_json(comparison, False)["systems"], strict=True):
        for metric, parts in numbers["scores"].items():
            for part, score in parts.items():
                difference = numbers["differences"].get(part) if metric == "BLEU" else None
                tested = [difference[key] for key in ("value", "low", "high")] if difference else [""] * 3
                own = [score["mean"], "" if score["deviation"] is None else score["deviation"]]
                writer.writerow([system.name, len(system.runs), part, sentences[part], metric, *own, *tested])
    return file.getvalue()


def _draw_bars(comparison: NewstestComparison, path: Path) -> None:
    """BLEU less the baseline's, year by year, with its 95 % interval."""
    others = comparison.systems[1:]
    width = 0.8 / len(others)
    figure = matplotlib.figure.Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    for number, system in enumerate(others):
        places = [year + (number - (len(others) - 1) / 2) * width for year in YEARS]
        values = [difference.value for difference in system.by_year.values()]
        spread = [
            [max(0.0, difference.value - difference.low) for difference in system.by_year.values()],
            [max(0.0, difference.high - difference.value) for difference in system.by_year.values()],
        ]
        axes.bar(places, values, width, yerr=spread, capsize=3, label=system.name, error_kw={"linewidth": 0.8})
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(YEARS)
    axes.set_xlabel("newstest")
    axes.set_ylabel(f"BLEU − {comparison.systems[0].name}")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3, axis="y")
    with whole_file(path, "wb") as file:
        figure.savefig(file, format="png", dpi=120)


def _as_html(comparison: NewstestComparison, picture: Path | None, quoted: bool) -> str:
    parts = [table(_rows(comparison))]
    parts += [f"<p>{html.escape(note)}</p>\n" for note in notes(comparison)]
    parts += [image(picture, "Differences in BLEU by year")] if picture is not None else []
    if quoted:
        parts += [f"<h2>{html.escape(_quotation())}</h2>\n", table(_quoted_rows())]
    return page("BLEU on newstest2008–2018", parts)
