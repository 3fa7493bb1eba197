"""Multi30k task 1, raw text: English–German image captions with their official splits.

Source: the public multi30k/dataset repository (Elliott et al., 2016), checked by SHA-256.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from sse_nmt.atomic_files import read_lines, split_lines
from sse_nmt.corpora.bitext import pair_up
from sse_nmt.corpora.download import download
from sse_nmt.corpora.pairs import Splits
from sse_nmt.errors import UserError

SPLITS = {"train": "train", "valid": "val", "test": "test_2016_flickr"}
SHA256 = {
    "train.en": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
    "train.de": "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
    "val.en": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
    "val.de": "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
    "test_2016_flickr.en": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
    "test_2016_flickr.de": "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
}


def fetch(folder: Path, mirror: str) -> None:
    """Download the six files to ``folder`` (those already there are checked)."""
    for name, sha256 in SHA256.items():
        download(f"{mirror}/{name}.gz", folder / f"{name}.gz", sha256)


def splits(folder: Path) -> Splits:
    """The official splits from the six files in ``folder``, compressed or not."""
    pairs = {}
    for split, name in SPLITS.items():
        source, target = _find(folder, f"{name}.en"), _find(folder, f"{name}.de")
        pairs[split] = pair_up(source, _lines(source), target, _lines(target))
    return Splits(**pairs)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise UserError(f"{folder} must hold {name} or {name}.gz, but holds neither.")


def _lines(path: Path) -> list[str]:
    if path.suffix != ".gz":
        return read_lines(path)
    try:
        return split_lines(gzip.decompress(path.read_bytes()), str(path))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path} must be a gzip file, but cannot be unpacked: {error}.") from error
