"""The English and German help pages of LibreOffice, from Debian's packages: real, aligned, signed, small.

Both packages hold the same pages, and a paragraph has the same id in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import lxml.html

from sse_nmt.corpora.debian_packages import fetch_packages
from sse_nmt.corpora.pairs import Document, Pair
from sse_nmt.errors import UserError
from sse_nmt.progress import bar

LANGUAGES = {"en": "en-US", "de": "de"}
PACKAGES = {"en": "libreoffice-help-en-us", "de": "libreoffice-help-de"}
_HELP = Path("usr/share/libreoffice/help")
_PARAGRAPHS = "//*[self::p or self::h1 or self::h2 or self::h3 or self::h4 or self::h5 or self::h6]"
_CODE_CLASSES = {"code", "codeintable", "bascode", "pycode"}


def fetch(folder: Path) -> dict[str, str]:
    """Download and unpack both packages below ``folder`` (kept if there); return package -> version."""
    return fetch_packages(PACKAGES.values(), folder, "libreoffice-help")


def documents(folder: Path) -> Iterator[Document]:
    """The aligned paragraphs of every page that stands in both languages, page by page."""
    roots = {lang: folder / PACKAGES[lang] / _HELP / name / "text" for lang, name in LANGUAGES.items()}
    pages = sorted(page.relative_to(roots["en"]) for page in roots["en"].rglob("*.html"))
    if not pages:
        raise UserError(f"`{PACKAGES['en']}` must hold help pages, but none is below {roots['en']}.")
    for page in bar(pages, "aligning", "pages"):
        if (roots["de"] / page).exists():
            yield Document(str(page), _align(roots["en"] / page, roots["de"] / page))


def _align(english: Path, german: Path) -> list[Pair]:
    translations = _paragraphs(german)
    return [(text, translations[key]) for key, text in _paragraphs(english).items() if key in translations]


def _paragraphs(page: Path) -> dict[str, str]:
    """Text by paragraph id; program code and ids that occur twice are left out."""
    root = lxml.html.document_fromstring(page.read_bytes(), parser=lxml.html.HTMLParser(encoding="utf-8"))
    _keep_one_variant(root)
    texts: dict[str, str] = {}
    repeated = set()
    for element in root.xpath(_PARAGRAPHS):
        key = element.get("id", "")
        if not key.startswith(("par_", "hd_")) or _CODE_CLASSES & set(element.get("class", "").split()):
            continue
        if key in texts:
            repeated.add(key)
        texts[key] = element.text_content()
    return {key: text for key, text in texts.items() if key not in repeated}


def _keep_one_variant(root: lxml.html.HtmlElement) -> None:
    """Pages hold alternatives side by side (per system, per program) and show one: keep the default or the first."""
    for switch in root.xpath("//*[contains(concat(' ', @class, ' '), ' switchinline ')]"):
        variants = list(switch)
        default = [variant for variant in variants if variant.get("id", "").startswith("default")]
        for variant in variants:
            if variant is not (default or variants)[0]:
                variant.drop_tree()
