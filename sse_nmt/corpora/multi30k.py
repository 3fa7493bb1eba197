"""Multi30k task 1, raw text: English–German image captions with their official splits.

Source: the public multi30k/dataset repository (Elliott et al., 2016), checked by SHA-256.
"""

from __future__ import annotations

from pathlib import Path

from sse_nmt.corpora.corpus import Corpus, Fetched
from sse_nmt.corpora.options import LIMITS, PrepareOptions
from sse_nmt.corpora.pipeline.steps import Steps
from sse_nmt.system.archives import read_gzip
from sse_nmt.system.atomic_files import read_lines, split_lines
from sse_nmt.system.download import download
from sse_nmt.system.errors import UserError
from sse_nmt.text.bitext import Bitext, document_files, pair_up, write_documents
from sse_nmt.text.pairs import Document, SentencePair, swapped

_NAME = "multi30k"
_LONGEST = 100 * 10**6  # bytes of a side; the longest has 2
SPLITS = {"train": "train", "valid": "val", "test": "test_2016_flickr"}
SHA256 = {
    "train.en": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
    "train.de": "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
    "val.en": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
    "val.de": "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
    "test_2016_flickr.en": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
    "test_2016_flickr.de": "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
}


def fetch(options: PrepareOptions, folder: Path, steps: Steps) -> Fetched:
    """The official splits, from a folder at hand or downloaded."""
    raw = folder / "raw"
    at_hand = None if options.folder is None else Path(options.folder)
    files = document_files(_NAME, raw)

    def work() -> int:
        if at_hand is None:
            for name, sha256 in SHA256.items():
                download(f"{options.mirror}/{name}.gz", raw / f"{name}.gz", sha256, limits=options.limits())
        train = Document("train", _pairs(at_hand or raw, "train", options.source_lang))
        return write_documents([train], _NAME, raw).pairs

    inputs = [] if at_hand is None else sorted(at_hand.glob("*.en*")) + sorted(at_hand.glob("*.de*"))
    title, lang = f"Fetching {_NAME}", options.source_lang
    pairs = steps.run("fetch", title, work, inputs=inputs, outputs=files, source_lang=lang)
    source, target, names = files
    valid, test = (_pairs(at_hand or raw, split, options.source_lang) for split in ("valid", "test"))
    return Fetched([Bitext(_NAME, source, target, pairs, names)], valid, test)


def check(options: PrepareOptions) -> None:
    """Raise UserError for languages that it does not have."""
    languages = (options.source_lang, options.target_lang)
    if set(languages) != {"en", "de"}:
        raise UserError(f"The languages of {_NAME} must be en and de, but are {' and '.join(languages)} instead.")


def _pairs(folder: Path, split: str, source_lang: str) -> list[SentencePair]:
    source, target = (_find(folder, f"{SPLITS[split]}.{language}") for language in ("en", "de"))
    pairs = pair_up(source, _lines(source), target, _lines(target))
    return pairs if source_lang == "en" else swapped(pairs)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise UserError(f"{folder} must hold {name} or {name}.gz, but holds neither.")


def _lines(path: Path) -> list[str]:
    if path.suffix != ".gz":
        return read_lines(path)
    return split_lines(read_gzip(path, _LONGEST), str(path))


CORPUS = Corpus(
    _NAME,
    "image captions, English and German, with their official splits",
    fetch,
    options=frozenset({"folder", "mirror", "source_lang", "target_lang", "pairs"} | LIMITS),
    defaults={"mirror": "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw"},
    check=check,
)
