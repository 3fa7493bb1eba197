"""The help pages of LibreOffice in two languages, from Debian's packages: real, aligned, signed, small.

Every package holds the same pages, and a paragraph has the same id in all. What nobody has translated stands there in
English: such pairs fall to the rule "untranslated".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sse_nmt.corpora.corpus import Corpus, Fetched
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.pipeline.steps import Steps
from sse_nmt.system.debian_packages import fetch_packages
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import bar
from sse_nmt.text.bitext import Bitext, document_files, write_documents
from sse_nmt.text.pairs import Document, SentencePair

if TYPE_CHECKING:
    import lxml.html

_NAME = "libreoffice-help"
_HELP = Path("usr/share/libreoffice/help")
_PARAGRAPHS = "//*[self::p or self::h1 or self::h2 or self::h3 or self::h4 or self::h5 or self::h6]"
_CODE_CLASSES = {"code", "codeintable", "bascode", "pycode"}


def package(language: str) -> str:
    """Debian's name of the pages in a language, a code such as eu or pt-br."""
    return f"libreoffice-help-{'en-us' if language == 'en' else language.lower()}"


def fetch(options: PrepareOptions, folder: Path, steps: Steps) -> Fetched:
    """Packages and aligned paragraphs below ``folder``."""
    languages, raw = (options.source_lang, options.target_lang), folder / "raw"
    files = document_files(_NAME, raw)

    def work() -> dict[str, Any]:
        versions = fetch_packages(map(package, languages), raw, _NAME)
        return {"versions": versions, "pairs": write_documents(documents(raw, languages), _NAME, raw).pairs}

    result = steps.run("fetch", f"Fetching {_NAME}", work, outputs=files, languages=languages)
    source, target, names = files
    return Fetched([Bitext(_NAME, source, target, result["pairs"], names)], versions=result["versions"])


def documents(folder: Path, languages: Sequence[str]) -> Iterator[Document]:
    """The aligned paragraphs of every page that stands in both languages, page by page."""
    source, target = (_pages(folder, language) for language in languages)
    pages = sorted(page.relative_to(source) for page in source.rglob("*.html"))
    for page in bar(pages, "aligning", "pages"):
        if (target / page).exists():
            yield Document(str(page), _align(source / page, target / page))


def _pages(folder: Path, language: str) -> Path:
    """Where the pages of a language are: their folder has its code in capitals and small letters of Debian's choice."""
    name = package(language)
    found = [text for text in (folder / name / _HELP).glob("*/text") if any(text.rglob("*.html"))]
    if len(found) != 1:
        raise UserError(f"`{name}` must hold help pages, but none is below {folder / name / _HELP}.")
    return found[0]


def _align(source: Path, target: Path) -> list[SentencePair]:
    translations = _paragraphs(target)
    return [(text, translations[key]) for key, text in _paragraphs(source).items() if key in translations]


def _paragraphs(page: Path) -> dict[str, str]:
    """Text by paragraph id; program code and ids that occur twice are left out."""
    import lxml.html

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


CORPUS = Corpus(
    _NAME,
    "LibreOffice's help pages, in any language that Debian has them in",
    fetch,
    options=frozenset({"source_lang", "target_lang", "pairs", "valid", "test"}),
)
