"""Multi30k from files at hand."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from sse_nmt.corpora import multi30k
from sse_nmt.corpora.corpus import Fetched
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.pipeline.steps import Steps
from sse_nmt.system.errors import UserError


def fetch(folder: Path) -> Fetched:
    out = folder / "out"
    return multi30k.fetch(PrepareOptions("multi30k", folder=str(folder)), out, Steps(out))


def _write_splits(folder: Path, compressed: bool) -> None:
    for name in multi30k.SPLITS.values():
        for language in ("en", "de"):
            text = f"{name} one\n{name} two {language}\n".encode()
            path = folder / f"{name}.{language}{'.gz' if compressed else ''}"
            path.write_bytes(gzip.compress(text) if compressed else text)


@pytest.mark.parametrize("compressed", [False, True])
def test_from_local_files(tmp_path, compressed):
    _write_splits(tmp_path, compressed)
    fetched = fetch(tmp_path)
    assert fetched.valid == [("val one", "val one"), ("val two en", "val two de")]
    assert fetched.bitexts[0].pairs == len(fetched.test) == 2


def test_says_what_is_missing_damaged_or_uneven(tmp_path):
    _write_splits(tmp_path, compressed=True)
    (tmp_path / "val.de.gz").write_bytes(gzip.compress(b"one line only\n"))
    sentence = f"but {tmp_path}/val.en.gz has 2 and {tmp_path}/val.de.gz has 1"
    with pytest.raises(UserError, match=sentence):
        fetch(tmp_path)
    (tmp_path / "val.de.gz").write_bytes(gzip.compress(b"one\ntwo\n")[:-9])
    with pytest.raises(UserError, match=r"val\.de\.gz must be a gzip file, but cannot be unpacked"):
        fetch(tmp_path)
    (tmp_path / "val.de.gz").unlink()
    with pytest.raises(UserError, match=r"must hold val\.de or val\.de\.gz, but holds neither\.$"):
        fetch(tmp_path)
