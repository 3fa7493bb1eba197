#!/usr/bin/env python3
"""Draws docs/results/quickstart.svg from results/quickstart/ and the table in docs/results/quickstart.md."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "sse_nmt", "font.size": 10, "font.family": "DejaVu Sans"})
import matplotlib.figure  # noqa: E402
from matplotlib import font_manager  # noqa: E402

# The machine may have another version of the font, with other shapes.
font_manager.fontManager.ttflist = []
for _file in Path(matplotlib.get_data_path(), "fonts/ttf").glob("DejaVuSans*.ttf"):
    font_manager.fontManager.addfont(_file)

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs/results/quickstart.svg"
NAMES = {"baseline": "without SSE", "sse_se": "with SSE-SE"}
COLOURS = ("#666666", "#1f6fb4")


def scores() -> dict[str, list[float]]:
    """System -> BLEU of its seeds, on test text."""
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    for path in sorted((ROOT / "results/quickstart").glob("*.json")):
        cell = json.loads(path.read_text(encoding="utf-8"))
        found[cell["system"]].append(cell["scores"]["values"]["BLEU"]["score"])
    return found


def difference() -> tuple[float, float, float]:
    """Value and interval, as the table has them."""
    table = (ROOT / "docs/results/quickstart.md").read_text(encoding="utf-8")
    number = r"([+-][\d.]+)"
    row = re.search(rf"^\| sse_se .*\| +{number} \| +\[{number}, {number}\] \| +[\d.]+ \|$", table, re.MULTILINE)
    assert row is not None, "the table has no difference"
    return float(row[1]), float(row[2]), float(row[3])


def draw() -> None:
    figure = matplotlib.figure.Figure(figsize=(8, 2.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    for place, ((name, values), colour) in enumerate(zip(scores().items(), COLOURS, strict=True)):
        left.plot(values, [-place] * len(values), "o", color=colour, alpha=0.7)
        left.plot([statistics.mean(values)] * 2, [-place - 0.25, -place + 0.25], color=colour, linewidth=2)
        left.text(15.62, -place, NAMES[name], va="center", color=colour)
    left.set(xlim=(15.6, 17.4), ylim=(-1.5, 0.5), yticks=[], xlabel="BLEU: three seeds, and their mean")
    value, low, high = difference()
    right.axvline(0, color="black", linewidth=0.8)
    right.plot([low, high], [0, 0], color=COLOURS[1], linewidth=2)
    right.plot([value], [0], "D", color=COLOURS[1])
    right.set(xlim=(-1, 1), ylim=(-1, 1), yticks=[], xlabel="difference, 95 % interval")
    for axes in (left, right):
        axes.spines[["left", "right", "top"]].set_visible(False)
    figure.savefig(PICTURE, format="svg", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    draw()
    print(PICTURE)
