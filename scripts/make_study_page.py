#!/usr/bin/env python3
"""Puts what results/ holds into docs/results/study.md and other pages: scripts/make_study_page.py

Between the marks `<!-- results/NAME -->` and `<!-- end -->` a page has the report of a study, or, with
`<!-- results/NAME cells -->`, a line for each of its cells: enough where a choice was made on validation text.
Of a study of several corpora the differences are drawn in docs/results/NAME.svg.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import font_manager

from sse_nmt.evaluation.meta_analysis import Combined
from sse_nmt.evaluation.significance import Difference
from sse_nmt.studies.pictures import forest
from sse_nmt.studies.results import SystemResult

# The machine may have another version of the font, and place words elsewhere.
font_manager.fontManager.ttflist = []
for _file in Path(matplotlib.get_data_path(), "fonts/ttf").glob("DejaVuSans*.ttf"):
    font_manager.fontManager.addfont(_file)

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
_MARK = re.compile(r"(<!-- results/(?P<name>[\w.-]+)(?P<cells> cells)? -->\n).*?(<!-- end -->)", re.DOTALL)
_COLOURS = "<style>svg{color:#222}@media(prefers-color-scheme:dark){svg{color:#ddd}}</style>"
_CELL = re.compile(r"(?P<corpus>[^.]+)\.(?P<system>.+)\.(?P<seed>\d+)")


def pages() -> dict[Path, str]:
    """Each page with marks -> what it must hold: what stands between them is made anew."""
    return {
        path: _MARK.sub(lambda mark: f"{mark[1]}\n{_between(mark)}\n{mark[4]}", text)
        for path in sorted(DOCS.rglob("*.md"))
        if _MARK.search(text := path.read_text(encoding="utf-8"))
    }


def named() -> set[str]:
    """The studies that they have."""
    return {mark["name"] for path in DOCS.rglob("*.md") for mark in _MARK.finditer(path.read_text(encoding="utf-8"))}


def pictures() -> dict[Path, str]:
    """File -> what it must hold."""
    found = {}
    for path in sorted((ROOT / "results").glob("*/report.json")):
        report = json.loads(path.read_text(encoding="utf-8"))
        systems = [_system(told) for told in report["systems"]]
        if any(system.combined for system in systems):
            start, end, rest = forest(systems, report["baseline"]).partition(">")
            found[DOCS / "results" / f"{path.parent.name}.svg"] = f"{start}{end}{_COLOURS}{rest}"
    return found


def _system(told: Any) -> SystemResult:
    differences = {corpus: Difference(**each) for corpus, each in told["differences"].items()}
    combined = None if told["combined"] is None else Combined(**told["combined"])
    return SystemResult(told["name"], differences, {}, told.get("corpora", list(differences)), combined)


def check_complete(name: str) -> None:
    """Raises ValueError unless the report of a study is of all cells that are kept beside it."""
    folder = ROOT / "results" / name
    corpora = json.loads((folder / "report.json").read_text(encoding="utf-8"))["corpora"]
    reported = {
        run["folder"].replace("/", "."): run["scores"]["test"]["BLEU"]
        for corpus in corpora.values()
        for system in corpus["comparison"]["systems"]
        for run in system["runs"]
        if "test" in run["scores"]  # not of a text from elsewhere
    }
    kept = {cell: _bleu(kept, "test") for cell, kept in _cells(name).items()}
    if reported.keys() != kept.keys() or any(abs(reported[cell] - kept[cell]) > 1e-9 for cell in kept):
        raise ValueError(f"{folder}/report.json is not of the cells beside it: write it anew.")


def _between(mark: re.Match[str]) -> str:
    return _table(mark["name"]) if mark["cells"] else _report(mark["name"])


def _report(name: str) -> str:
    """Its Markdown without the title, headings one level down."""
    check_complete(name)
    text = (ROOT / "results" / name / "report.md").read_text(encoding="utf-8").split("\n", 1)[1]
    return re.sub(r"^## ", "### ", text, flags=re.MULTILINE)


def _table(name: str) -> str:
    """A line for each cell: the best of a corpus by BLEU first where that is of validation text, else as they come."""
    cells = [(_CELL.fullmatch(cell), kept) for cell, kept in _cells(name).items()]
    valid = all("valid" in kept["scores"] for _, kept in cells)
    text, head = ("valid", "valid.") if valid else ("test", "test")
    if valid:
        cells.sort(key=lambda each: (each[0]["corpus"], -_bleu(each[1], text)))  # type: ignore[index]
    lines = [
        f"| corpus | system | updates | valid. loss | {head} BLEU | {head} chrF |",
        "|---|---|---:|---:|---:|---:|",
    ]
    last = None
    for cell, kept in cells:
        assert cell is not None
        corpus = cell["corpus"] if cell["corpus"] != last else ""
        last = cell["corpus"]
        chrf = kept["scores"][text]["scores"]["chrF"]["score"]
        system = cell["system"] + ("" if valid else f", seed {cell['seed']}")
        lines.append(
            f"| {corpus} | {system} | {kept['run']['updates']:,} | {_lowest_loss(kept):.3f} "
            f"| {_bleu(kept, text):.2f} | {chrf:.2f} |"
        )
    return "\n".join(lines) + "\n"


def _cells(name: str) -> dict[str, Any]:
    paths = sorted((ROOT / "results" / name).glob("*.*.*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def _bleu(kept: Any, text: str) -> float:
    return float(kept["scores"][text]["scores"]["BLEU"]["score"])


def _lowest_loss(kept: Any) -> float:
    losses = re.findall(r'"valid_loss": "([\d.]+)"', "\n".join(kept["log"]))
    return min(float(loss) for loss in losses)


if __name__ == "__main__":
    for path, text in (pages() | pictures()).items():
        path.write_text(text, encoding="utf-8")
        print(path)
