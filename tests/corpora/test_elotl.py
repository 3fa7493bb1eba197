"""Spanish and languages of Mexico: the reader, and the real package."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
from conftest import read_json, refused, sse_nmt_here

from sse_nmt.corpora import elotl
from sse_nmt.system import python_packages
from sse_nmt.system.errors import UserError
from sse_nmt.system.python_packages import Wheel, fetch_wheel, read_member
from sse_nmt.text.pairs import Document

TABLE = 'uno,"ce, tetl",a,Libro\r\ndos,ome,a,Otro,nci\r\ntres,"yei\nyei",b,Libro,nci\r\n'


def test_rows_are_gathered_by_document():
    assert list(elotl.documents(TABLE, True)) == [
        Document("Libro", [("uno", "ce, tetl"), ("tres", "yei\nyei")]), Document("Otro", [("dos", "ome")])
    ]  # fmt: skip
    assert next(elotl.documents(TABLE, False)).pairs[0] == ("ce, tetl", "uno")
    passages = list(elotl.documents(TABLE, True, passage=1))
    assert [(each.name, each.pairs[0][0]) for each in passages] == [
        ("Libro, 1", "uno"), ("Libro, 2", "tres"), ("Otro, 1", "dos")
    ]  # fmt: skip
    with pytest.raises(
        UserError, match=r"^Row 1 of elotl must have Spanish, .*, document, but has 2 columns instead\.$"
    ):
        list(elotl.documents("uno,dos\n", True))


@pytest.mark.parametrize("words", [("--target-lang", "de"), ("--source-lang", "nah"), ("--source-lang", "en")])
def test_languages_that_it_does_not_have(tmp_path, capsys, words):
    said = refused(capsys, "prepare", "elotl", tmp_path / "data", *words)
    assert said.startswith("The languages of elotl must be es and one of nah, oto, mix, but are ")
    assert not (tmp_path / "data").exists()


def test_the_real_text(tmp_path):
    """Mixtec, the smallest; and Nahuatl as it is read, whose documents are many enough to be set apart whole."""
    words = ["--source-lang", "mix", "--target-lang", "es", "--vocab-size", "300", "--valid", "100", "--test", "200"]
    sse_nmt_here("prepare", "elotl", tmp_path / "data", *words)
    manifest = read_json(tmp_path / "data/manifest.json")
    assert manifest["corpora"]["elotl"]["read"] == 1710 and manifest["versions"]["elotl"] == "0.1.1"
    pairs = manifest["pairs"]
    assert pairs["train"] > 1000 and pairs["valid"] >= 100 and pairs["test"] >= 200
    path = tmp_path / "data/raw/elotl" / elotl.WHEEL.file
    found = list(elotl.documents(read_member(path, "elotl/corpora/axolotl.csv"), spanish_first=True))
    assert len(found) == 34 and sum(len(document.pairs) for document in found) == 16_111


def wheel(folder: Path, version: str = "1.0") -> Wheel:
    path = folder / f"toy-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toy/words.txt", "één\n")
        archive.writestr(f"toy-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: toy\nVersion: {version}\n")
        archive.writestr(
            f"toy-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"toy-{version}.dist-info/RECORD", "")
    return Wheel("toy", version, hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_wheel_is_checked_and_kept(tmp_path, monkeypatch):
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    good = wheel(index)
    path = fetch_wheel(good, tmp_path / "raw")
    assert read_member(path, "toy/words.txt") == "één\n"
    (index / good.file).unlink()
    assert fetch_wheel(good, tmp_path / "raw") == path
    with pytest.raises(UserError, match=r"must hold toy/none, but it cannot be read: .*none"):
        read_member(path, "toy/none")
    other = Wheel("toy", "1.0", "0" * 64)
    with pytest.raises(UserError, match="must have the SHA-256 0000"):
        fetch_wheel(other, tmp_path / "raw")
    wheel(index)
    with pytest.raises(UserError, match=r"^`toy-1\.0-py3-none-any\.whl` cannot be downloaded: "):
        fetch_wheel(other, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere/toy").exists()


def test_pip_that_leaves_another_file_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(python_packages, "run_child", lambda *_: "")
    with pytest.raises(UserError, match=r"must leave toy-1\.0-py3-none-any\.whl, but did not\.$"):
        fetch_wheel(Wheel("toy", "1.0", "0" * 64), tmp_path)
