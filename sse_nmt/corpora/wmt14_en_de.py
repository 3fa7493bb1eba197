"""The training text of WMT14 English–German: Europarl v7, Common Crawl and News Commentary v9.

DIR/raw/       the archives, and SHA256SUMS of what was downloaded first
DIR/unpacked/  their English–German text
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sse_nmt.corpora import newstest
from sse_nmt.corpora.corpus import Corpus, Fetched
from sse_nmt.corpora.options import LIMITS, WMT14_VOCAB_SIZE, PrepareOptions
from sse_nmt.corpora.pipeline.steps import Steps
from sse_nmt.system.archives import check_archive, unpack
from sse_nmt.system.atomic_files import read_lines, write_lines
from sse_nmt.system.download import Limits, download, sha256_of_file
from sse_nmt.system.errors import UserError
from sse_nmt.text.bitext import Bitext, count_lines

_VALID, _TEST = 2013, 2014


@dataclass(frozen=True)
class Archive:
    name: str
    path: str  # below the mirror
    members: str  # in the archive, without the language


ARCHIVES = (
    Archive("europarl-v7", "wmt13/training-parallel-europarl-v7.tgz", "training/europarl-v7.de-en"),
    Archive("commoncrawl", "wmt13/training-parallel-commoncrawl.tgz", "commoncrawl.de-en"),
    Archive("news-commentary-v9", "wmt14/training-parallel-nc-v9.tgz", "training/news-commentary-v9.de-en"),
)


def fetch(options: PrepareOptions, folder: Path, steps: Steps) -> Fetched:
    """The archives and their English–German text; newstest2013 validates, newstest2014 tests.

    Raises:
        UserError: an archive cannot be had or is not what it should be.
    """
    sets = {year: newstest.load(year) for year in newstest.SETS}
    bitexts = [_fetch(archive, options, folder, steps) for archive in ARCHIVES]
    return Fetched(
        bitexts,
        sets[_VALID],
        sets[_TEST],
        kept_out={"in a test set": [pair for pairs in sets.values() for pair in pairs]},
        in_order=True,
        inputs=_checksums(folder / "raw"),
    )


def _fetch(archive: Archive, options: PrepareOptions, folder: Path, steps: Steps) -> Bitext:
    """Its text as two text files of as many lines."""
    assert options.mirror is not None
    url, limits = f"{options.mirror.rstrip('/')}/{archive.path}", options.limits()
    local = folder / "raw" / Path(archive.path).name
    files = [folder / "unpacked" / f"{archive.name}.{language}" for language in newstest.LANGUAGES]
    steps.run(
        f"fetch-{archive.name}",
        f"Fetching {archive.name}",
        lambda: _download(url, archive, local, limits),
        outputs=[local],
    )
    lines = steps.run(
        f"unpack-{archive.name}",
        f"Unpacking {archive.name}",
        lambda: _unpack(archive, local, files, limits),
        inputs=[local],
        outputs=files,
    )
    return Bitext(archive.name, files[0], files[1], lines)


def _download(url: str, archive: Archive, local: Path, limits: Limits) -> None:
    """Fetch an archive; its SHA-256 must be the one of its first download, which is recorded beside it.

    What does not hold the text is recorded nowhere: another mirror may have the right one.
    """
    sums = _checksums(local.parent)
    names = [f"{archive.members}.{language}" for language in newstest.LANGUAGES]
    download(url, local, sums.get(local.name), lambda path: check_archive(path, names, limits.most), limits)
    if local.name not in sums:
        sums[local.name] = sha256_of_file(local)
        write_lines(local.parent / "SHA256SUMS", (f"{digest}  {name}" for name, digest in sorted(sums.items())))


def _checksums(folder: Path) -> dict[str, str]:
    """File name -> SHA-256, as `sha256sum` writes them."""
    path = folder / "SHA256SUMS"
    words = [line.split() for line in read_lines(path)] if path.exists() else []
    return {line[1]: line[0] for line in words if len(line) == 2}


def _unpack(archive: Archive, local: Path, files: list[Path], limits: Limits) -> int:
    """Unpack both sides; return how many lines each has."""
    names = [f"{archive.members}.{language}" for language in newstest.LANGUAGES]
    unpack(local, dict(zip(names, files, strict=True)), limits.most)
    source, target = (count_lines(file) for file in files)
    if source != target:
        raise UserError(
            f"{local} must hold as many lines of {names[0]} as of {names[1]}, but holds {source} and {target}."
        )
    return source


CORPUS = Corpus(
    "wmt14-en-de",
    "the training text of WMT14 English-German, tested on newstest2014",
    fetch,
    options=frozenset({"mirror"} | LIMITS),
    defaults={"mirror": "https://www.statmt.org", "vocab_size": WMT14_VOCAB_SIZE},
)
