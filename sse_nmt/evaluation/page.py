"""A page of HTML that needs nothing beside itself."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path

_STYLE = """
body { font-family: sans-serif; max-width: 75em; margin: 2em auto; color: #222; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.4em 0.6em; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
h2 { font-size: 1em; margin-top: 2em; }
p { color: #555; font-size: 0.9em; overflow-wrap: anywhere; }
img { max-width: 100%; }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """``parts``, HTML already, under a heading."""
    title = html.escape(title)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
{"".join(parts)}</body>
</html>
"""


def table(rows: Sequence[Sequence[str]]) -> str:
    """The first row is the head."""
    head, *body = rows
    lines = "".join(f"<tr>{_cells(row, 'td')}</tr>\n" for row in body)
    return f"<table>\n<thead><tr>{_cells(head, 'th')}</tr></thead>\n<tbody>\n{lines}</tbody>\n</table>\n"


def image(path: Path, text: str) -> str:
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f'<img alt="{html.escape(text)}" src="data:image/png;base64,{content}">\n'


def _cells(row: Sequence[str], kind: str) -> str:
    return "".join(f"<{kind}>{html.escape(cell)}</{kind}>" for cell in row)
