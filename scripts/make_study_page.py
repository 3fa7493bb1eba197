#!/usr/bin/env python3
"""Puts the reports in results/ into docs/results/study.md: scripts/make_study_page.py"""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/results/study.md"
_MARK = re.compile(r"(<!-- results/(?P<name>[\w.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page() -> str:
    """The page as it must be: what stands between its marks is made anew."""
    return _MARK.sub(lambda mark: f"{mark[1]}\n{_report(mark['name'])}\n{mark[3]}", PAGE.read_text(encoding="utf-8"))


def named() -> list[str]:
    """The studies that the page has."""
    return [mark["name"] for mark in _MARK.finditer(PAGE.read_text(encoding="utf-8"))]


def check_complete(name: str) -> None:
    """Raises ValueError unless the report of a study is of all cells that are kept beside it."""
    folder = ROOT / "results" / name
    corpora = json.loads((folder / "report.json").read_text(encoding="utf-8"))["corpora"]
    reported = {
        run["folder"].replace("/", "."): run["scores"]["test"]["BLEU"]
        for corpus in corpora.values()
        for system in corpus["comparison"]["systems"]
        for run in system["runs"]
    }
    kept = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))["scores"]["test"]["scores"]["BLEU"]["score"]
        for path in folder.glob("*.*.*.json")
    }
    if reported.keys() != kept.keys() or any(abs(reported[cell] - kept[cell]) > 1e-9 for cell in kept):
        raise ValueError(f"{folder}/report.json is not of the cells beside it: write it anew.")


def _report(name: str) -> str:
    """Its Markdown without the title, headings one level down."""
    check_complete(name)
    text = (ROOT / "results" / name / "report.md").read_text(encoding="utf-8").split("\n", 1)[1]
    return re.sub(r"^## ", "### ", text, flags=re.MULTILINE)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
