"""`sse-nmt prepare wmt14-en-de`: the training text of WMT14 English–German, in bounded memory and on all cores.

DIR/raw/                 the archives, and SHA256SUMS of what was downloaded first
DIR/unpacked/            their English–German text
DIR/clean/               cleaned pairs, duplicates still among them
DIR/text/, DIR/pieces/, DIR/sentencepiece.model, DIR/bin/, DIR/preparing.json, DIR/manifest.json
                         as `sse-nmt prepare` leaves them for other corpora; newstest2013 validates, newstest2014 tests
DIR/steps/               the record of each step; a step whose record fits its files is not done again
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sse_nmt.atomic_files import check_ours, read_json, read_lines, sha256_of, write_json, write_lines
from sse_nmt.corpora import newstest
from sse_nmt.corpora.archives import check_gzip, unpack
from sse_nmt.corpora.download import download, sha256_of_file
from sse_nmt.corpora.options import WMT14, BulkOptions, check_numbers
from sse_nmt.corpora.preparation_report import as_table
from sse_nmt.corpora.prepare import check_same_options
from sse_nmt.corpora.steps import Steps
from sse_nmt.corpora.streaming.blocks import Bitext, count_lines
from sse_nmt.corpora.streaming.pipeline import HeldOut, Pipeline
from sse_nmt.errors import UserError
from sse_nmt.locks import folder_lock
from sse_nmt.progress import say

_VALID, _TEST = 2013, 2014
_NOT_THE_TEXT = "mirror"  # where it comes from changes nothing


@dataclass(frozen=True)
class Corpus:
    name: str
    archive: str  # below the mirror
    members: str  # in the archive, without the language


CORPORA = (
    Corpus("europarl-v7", "wmt13/training-parallel-europarl-v7.tgz", "training/europarl-v7.de-en"),
    Corpus("commoncrawl", "wmt13/training-parallel-commoncrawl.tgz", "commoncrawl.de-en"),
    Corpus("news-commentary-v9", "wmt14/training-parallel-nc-v9.tgz", "training/news-commentary-v9.de-en"),
)


def prepare_wmt14(options: BulkOptions, folder: Path) -> None:
    """Fetch, unpack, clean, segment and binarise into ``folder``, skipping what was done before.

    Raises:
        UserError: an archive cannot be had or is not what it should be, or ``folder`` was prepared with other options.
    """
    check_numbers(options, pieces=1, sample=1, min_length=1, max_length=1)
    asked = {"corpus": WMT14, "source_lang": "en", "target_lang": "de", **asdict(options)}
    with folder_lock(folder, "preparation"):
        check_ours(folder, "preparing.json")
        manifest = folder / "manifest.json"
        if manifest.exists():
            check_same_options(folder, read_json(manifest)["options"], _of_the_text(asked))
        preparing = folder / "preparing.json"
        if not preparing.exists() or read_json(preparing) != asked:
            write_json(preparing, asked)
        held_out = _held_out()
        steps = Steps(folder)
        bitexts = [_fetch(corpus, options.mirror, folder, steps) for corpus in CORPORA]
        prepared = Pipeline(folder, newstest.LANGUAGES, options, steps).run(bitexts, held_out)
        pieces = sorted((folder / "pieces").iterdir())
        fingerprint = steps.run("fingerprint", "Taking a fingerprint", lambda: sha256_of(pieces), inputs=pieces)
        valid = count_lines(folder / "text" / f"valid.{newstest.LANGUAGES[0]}")
        pairs = {"valid": valid, "test": len(held_out.test)}
        record = {
            "options": asked,
            "inputs": _checksums(folder / "raw"),
            "pairs": {"train": sum(corpus["pairs"] for corpus in prepared.corpora.values()), **pairs},
            "removed": dict(prepared.removed),
            "invisible_characters_removed": prepared.invisible,
            "corpora": prepared.corpora,
            "unknown": prepared.unknown,
            "seconds": steps.seconds,
            "versions": {name: importlib.metadata.version(name) for name in ("sentencepiece", "ve-fairseq")},
            "fingerprint": fingerprint,
        }
        if not manifest.exists() or read_json(manifest) != record:
            write_json(manifest, record)
    say(as_table(prepared, steps))


def _of_the_text(options: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if name != _NOT_THE_TEXT}


def _held_out() -> HeldOut:
    sets = {year: newstest.load(year) for year in newstest.SETS}
    return HeldOut(sets[_VALID], sets[_TEST], [pair for pairs in sets.values() for pair in pairs])


def _fetch(corpus: Corpus, mirror: str, folder: Path, steps: Steps) -> Bitext:
    """The corpus as two text files of as many lines."""
    archive = folder / "raw" / Path(corpus.archive).name
    files = [folder / "unpacked" / f"{corpus.name}.{language}" for language in newstest.LANGUAGES]
    steps.run(
        f"fetch-{corpus.name}",
        f"Fetching {corpus.name}",
        lambda: _download(f"{mirror.rstrip('/')}/{corpus.archive}", archive),
        outputs=[archive],
    )
    lines = steps.run(
        f"unpack-{corpus.name}",
        f"Unpacking {corpus.name}",
        lambda: _unpack(corpus, archive, files),
        inputs=[archive],
        outputs=files,
    )
    return Bitext(corpus.name, files[0], files[1], lines)


def _download(url: str, archive: Path) -> None:
    """Fetch an archive; its SHA-256 must be the one of its first download, which is recorded beside it."""
    sums = _checksums(archive.parent)
    download(url, archive, sums.get(archive.name), check_gzip)
    if archive.name not in sums:
        sums[archive.name] = sha256_of_file(archive)
        write_lines(archive.parent / "SHA256SUMS", (f"{digest}  {name}" for name, digest in sorted(sums.items())))


def _checksums(folder: Path) -> dict[str, str]:
    """File name -> SHA-256, as `sha256sum` writes them."""
    path = folder / "SHA256SUMS"
    words = [line.split() for line in read_lines(path)] if path.exists() else []
    return {line[1]: line[0] for line in words if len(line) == 2}


def _unpack(corpus: Corpus, archive: Path, files: list[Path]) -> int:
    """Unpack both sides; return how many lines each has."""
    names = [f"{corpus.members}.{language}" for language in newstest.LANGUAGES]
    unpack(archive, dict(zip(names, files, strict=True)))
    source, target = (count_lines(file) for file in files)
    if source != target:
        raise UserError(
            f"{archive} must hold as many lines of {names[0]} as of {names[1]}, but holds {source} and {target}."
        )
    return source
