"""Pictures as SVG that takes the page's own colour of text, by day and by night."""

from __future__ import annotations

import contextlib
import html
import io
import re
from collections.abc import Iterator

import matplotlib
import matplotlib.axes
import matplotlib.figure

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito's: told apart by all
TEXT = "#010203"  # stands for the page's colour of text, which matplotlib does not know
_SIZE = re.compile(r'^<svg ([^>]*?)width="[^"]*" height="[^"]*"')
_STYLE = {
    "text.parse_math": False,  # a name may have two $
    "svg.fonttype": "none", "svg.hashsalt": "sse_nmt", "font.family": "sans-serif", "font.size": 10,
    "text.color": TEXT, "axes.labelcolor": TEXT, "axes.edgecolor": TEXT, "xtick.color": TEXT, "ytick.color": TEXT,
}  # fmt: skip


class Picture:
    """A figure that is drawn, and then its element alone, with words for those who do not see it."""

    def __init__(self, title: str, width: float, height: float) -> None:
        self._title = title
        self.figure = matplotlib.figure.Figure(figsize=(width, height), layout="constrained")
        self.svg = ""

    def finish(self) -> None:
        file = io.StringIO()
        self.figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        text = file.getvalue()
        element = text[text.index("<svg") :].replace(TEXT, "currentColor")
        label = html.escape(self._title)
        self.svg = _SIZE.sub(lambda size: f'<svg role="img" aria-label="{label}" {size[1]}', element, count=1)


@contextlib.contextmanager
def picture(title: str, height: float, width: float = 7) -> Iterator[tuple[Picture, matplotlib.axes.Axes]]:
    """Sizes in inches; the picture has its ``svg`` when the context ends."""
    with matplotlib.rc_context(_STYLE):  # type: ignore[arg-type]  # keys that it knows
        drawn = Picture(title, width, height)
        axes = drawn.figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        yield drawn, axes
        drawn.finish()


def colour(number: int) -> str:
    """Of the system of that number."""
    return _COLOURS[number % len(_COLOURS)]
