"""A toy sacreBLEU cache with newstest2008–2018, English–German: nothing is fetched, and nobody's own cache is read.

sacreBLEU reads ``SACREBLEU`` when it is imported: point it at `FOLDER` before that.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from toy_corpus import sentences

SENTENCES = 6  # in each set
YEARS = range(2008, 2019)
TOY_PAIRS_LEFT = 200 - SENTENCES * len(YEARS)  # so many of the toy corpus, the first ones, stand in no set


def pairs(year: int) -> list[tuple[str, str]]:
    """The set of ``year``."""
    start = TOY_PAIRS_LEFT + SENTENCES * YEARS.index(year)
    return sentences(200)[start : start + SENTENCES]


def _write(folder: Path) -> None:
    """The files that sacreBLEU looks for; it would fetch a set that lacks one of them."""
    for year in YEARS:
        name = "wmt14/full" if year == 2014 else f"wmt{year % 100:02d}"
        fields = {"src": [source for source, _ in pairs(year)], "ref": [target for _, target in pairs(year)]}
        if year > 2008:
            fields |= {field: ["unknown"] * SENTENCES for field in ("docid", "genre", "origlang")}
        (folder / name).mkdir(parents=True)
        for field, lines in fields.items():
            path = folder / name / f"{name.replace('/', '_')}.en-de.{field}"
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


_SHARED = "SSE_NMT_TEST_NEWSTEST"  # in the environment of processes that run tests for another, which made it
FOLDER = Path(os.environ.get(_SHARED) or tempfile.mkdtemp(prefix="newstest-"))
if _SHARED not in os.environ:
    os.environ[_SHARED] = str(FOLDER)
    atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
    _write(FOLDER)
