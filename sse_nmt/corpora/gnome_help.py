"""The help pages of GNOME from Debian's packages: a test text for what was trained on LibreOffice's help.

A page is the same tree of elements in all languages (Mallard, XML); pages whose trees differ are left out, and so is
what nobody has translated.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sse_nmt.corpora.corpus import Corpus, Fetched
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.pipeline.steps import Steps
from sse_nmt.system.debian_packages import fetch_packages
from sse_nmt.system.errors import UserError
from sse_nmt.text.pairs import SentencePair

if TYPE_CHECKING:
    import lxml.etree

_NAME = "gnome-help"
_PACKAGE = "gnome-user-docs"
_HELP = Path("usr/share/help")
_ENGLISH = "C"  # as POSIX calls the language that nobody chose
_BLOCKS = ("p", "title", "subtitle", "desc")
_CREDITS = "credit"  # translators thank their own


def fetch(options: PrepareOptions, folder: Path, steps: Steps) -> Fetched:
    """The package, and the pairs of all its pages, each once."""
    raw = folder / "raw"
    versions: dict[str, str] = steps.run("fetch", f"Fetching {_NAME}", lambda: fetch_packages([_PACKAGE], raw, _NAME))
    source, target = (
        _pages(raw / _PACKAGE / _HELP, language) for language in (options.source_lang, options.target_lang)
    )
    return Fetched([], test=list(dict.fromkeys(aligned(source, target))), versions=versions)


def aligned(source: Path, target: Path) -> Iterator[SentencePair]:
    """The blocks of text of every page that stands in both folders, where they differ."""
    for page in sorted(source.rglob("*.page")):
        other = target / page.relative_to(source)
        if not other.is_file():
            continue
        ours, theirs = _blocks(page), _blocks(other)
        if [place for place, _ in ours] == [place for place, _ in theirs]:
            pairs = ((one, two) for (_, one), (_, two) in zip(ours, theirs, strict=True))
            yield from (pair for pair in pairs if all(pair) and pair[0] != pair[1])


def _pages(folder: Path, language: str) -> Path:
    """Where the pages of a language are: pt-BR is pt_BR there."""
    wanted = _ENGLISH if language == "en" else language.replace("-", "_")
    found = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    if wanted.lower() not in found:
        known = ", ".join(sorted(path.name.replace("_", "-") for path in found.values() if path.name != _ENGLISH))
        raise UserError(f"The languages of {_NAME} must be among en, {known}, but {language} is not.")
    return found[wanted.lower()]


def _blocks(page: Path) -> list[tuple[str, str]]:
    """Place in the tree, and text, of each block of text."""
    import lxml.etree

    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = lxml.etree.parse(page, parser).getroot()
    except lxml.etree.XMLSyntaxError as error:
        raise UserError(f"{page} must be XML, but is not: {error}.") from error
    for credit in list(root.iter(f"{{*}}{_CREDITS}")):
        parent = credit.getparent()
        assert parent is not None
        parent.remove(credit)
    blocks = root.iter(*(f"{{*}}{name}" for name in _BLOCKS))
    return [(_place(block), " ".join("".join(block.itertext()).split())) for block in blocks]


def _place(block: lxml.etree._Element) -> str:
    import lxml.etree

    return "/".join(lxml.etree.QName(each).localname for each in (block, *block.iterancestors()))


CORPUS = Corpus(
    _NAME,
    "GNOME's help pages as a test text for `sse-nmt evaluate --text`, in any language that Debian has them in",
    fetch,
    options=frozenset({"source_lang", "target_lang"}),
    common=frozenset(),
)
