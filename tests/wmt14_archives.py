"""Small archives under the names that the training text of WMT14 has at its source, with what cleaning must find."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

import newstest_cache
from toy_corpus import sentences

from sse_nmt.corpora.wmt14_en_de import ARCHIVES, Archive

# Without the letter q, so that a piece of newstest2014 is unknown. Lines 0–49 stand in Europarl, 50–81 in Common Crawl.
GOOD = [pair for pair in sentences(200)[: newstest_cache.TOY_PAIRS_LEFT] if "quiet" not in pair[0]]
_LONG = " ".join(source for source, _ in GOOD[:20]), " ".join(target for _, target in GOOD[:20])
_SHORT = "Yes.", "Der alte Hund ist hier, und das kleine Haus ist weit weg."

_EUROPARL = [
    *GOOD[:50],
    ("", "Ohne Quelle."),
    ("LibreOffice", " LibreOffice"),
    (GOOD[7][0].replace(" ", "  "), GOOD[7][1] + "\u200b"),  # the same pair once normalised
    (newstest_cache.pairs(2016)[0][0], "Etwas anderes."),
    ("Something else.", newstest_cache.pairs(2009)[5][1] + " "),
]
_COMMON_CRAWL = [(GOOD[50][0] + "\r", GOOD[50][1] + "\r"), GOOD[3], ("No target.", "\u00ad"), *GOOD[51:82]]
_NEWS_COMMENTARY = [*GOOD[82:100], _SHORT, GOOD[60], *GOOD[100:], _LONG]

READ = {"europarl-v7": 55, "commoncrawl": 35, "news-commentary-v9": len(GOOD) - 82 + 3}
KEPT = {"europarl-v7": GOOD[:50], "commoncrawl": GOOD[50:82], "news-commentary-v9": GOOD[82:]}
REMOVED = {"duplicate": 3, "empty": 2, "in a test set": 2, "length": 1, "not UTF-8": 1, "ratio": 1, "untranslated": 1}


def write_archives(mirror: Path) -> None:
    """All three, below ``mirror``."""
    europarl, common_crawl, news_commentary = ARCHIVES
    write_archive(mirror, europarl, _lines(_EUROPARL, 0), _lines(_EUROPARL, 1))
    latin = b"caf\xe9\n" + _lines(_COMMON_CRAWL, 0)
    write_archive(mirror, common_crawl, latin, b"Kaffee\n" + _lines(_COMMON_CRAWL, 1).removesuffix(b"\n"))
    write_archive(mirror, news_commentary, _lines(_NEWS_COMMENTARY, 0), _lines(_NEWS_COMMENTARY, 1))


def write_archive(
    mirror: Path, archive: Archive, source: bytes | None, target: bytes | None, others: Iterable[tarfile.TarInfo] = ()
) -> None:
    """``archive`` with these texts (None: without), text of another language, and ``others``."""
    path = mirror / archive.path
    path.parent.mkdir(exist_ok=True)
    other_language = archive.members.replace("de-en", "fr-en")
    with tarfile.open(path, "w:gz") as tar:
        for name, text in (
            (f"{other_language}.en", b"An other text.\n"),
            (f"{archive.members}.de", target),
            (f"{archive.members}.en", source),
        ):
            if text is not None:
                member = tarfile.TarInfo(f"./{name}" if text is source else name)
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text))
        for member in others:
            tar.addfile(member, io.BytesIO(bytes(member.size)))


def _lines(pairs: Iterable[tuple[str, str]], side: int) -> bytes:
    return "".join(f"{pair[side]}\n" for pair in pairs).encode()
