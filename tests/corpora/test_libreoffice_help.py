"""Help pages: our own small pages for the rules, the real packages where apt-get finds them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sse_nmt.corpora import libreoffice_help
from sse_nmt.corpora.corpus import Fetched
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.pipeline.steps import Steps
from sse_nmt.system.atomic_files import read_lines
from sse_nmt.system.errors import UserError
from sse_nmt.text.bitext import count_lines

ENGLISH = """<html><body><h1 id="hd_id1">Open</h1>
<p id="par_id2" class="paragraph">Press <span class="switchinline"><span hidden="true" id="MACx" class="MAC">Command
</span><span hidden="true" id="defaultx">Ctrl</span></span>+O to <b>open</b> a file.</p>
<p id="par_id3" class="code">Print 1</p><p id="par_id4">Only here</p><p id="bm_5">no text</p>
<p id="par_id6">twice</p><p id="par_id6">twice more</p>
<p id="par_id7">In <span class="switchinline"><span class="WRITER">Writer</span><span class="CALC">Calc</span></span>.
</p>
</body></html>"""
GERMAN = """<html><body><h1 id="hd_id1">Öffnen</h1><p id="par_id2">Strg+O öffnet eine Datei.</p>
<p id="par_id3" class="code">Print 1</p><p id="bm_5">no text</p><p id="par_id6">zweimal</p>
<p id="par_id7">In <span class="switchinline"><span class="WRITER">Writer</span></span>.</p></body></html>"""
LANGUAGES = ("en", "de")


def fetch(folder: Path) -> Fetched:
    return libreoffice_help.fetch(PrepareOptions("libreoffice-help"), folder, Steps(folder))


def write_pages(folder: Path) -> None:
    for language, text in (("en", ENGLISH), ("de", GERMAN)):
        name = {"en": "en-US", "de": "de"}[language]
        root = folder / libreoffice_help.package(language) / "usr/share/libreoffice/help" / name / "text/shared"
        root.mkdir(parents=True)
        (root / "open.html").write_text(text, encoding="utf-8")
        if language == "en":
            (root / "new.html").write_text(text, encoding="utf-8")


def test_paragraphs_are_aligned_by_id(tmp_path):
    write_pages(tmp_path)
    (document,) = libreoffice_help.documents(tmp_path, LANGUAGES)
    assert document.name == "shared/open.html"
    assert document.pairs == [
        ("Open", "Öffnen"),
        ("Press Ctrl+O to open a file.", "Strg+O öffnet eine Datei."),
        ("In Writer.\n", "In Writer."),  # cleaning takes care of blanks
    ]


def test_no_pages(tmp_path):
    with pytest.raises(UserError, match="^`libreoffice-help-en-us` must hold help pages, but none is below"):
        list(libreoffice_help.documents(tmp_path, LANGUAGES))


def test_without_apt_get(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError) as error:
        fetch(tmp_path)
    assert str(error.value) == (
        "`libreoffice-help` comes from Debian's packages and needs apt-get, which is not installed."
    )


def test_a_failed_download_says_why_and_leaves_nothing(tmp_path, monkeypatch):
    """apt-get as a user without package lists sees it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "apt-get").write_text("#!/bin/sh\necho 'E: Unable to locate package' >&2\nexit 100\n")
    (programs / "dpkg-deb").write_text("#!/bin/sh\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/bin:/usr/bin")
    with pytest.raises(UserError, match="cannot be downloaded|cannot be fetched"):
        fetch(tmp_path)
    assert list((tmp_path / "raw").iterdir()) == []


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt-get")
def test_the_real_packages(tmp_path):
    try:
        fetched = fetch(tmp_path)
    except UserError as error:
        pytest.skip(str(error))
    assert set(fetched.versions) == set(map(libreoffice_help.package, LANGUAGES))
    (bitext,) = fetched.bitexts
    assert len(read_lines(bitext.documents)) > 2000 and bitext.pairs > 50_000
    assert count_lines(bitext.source) == count_lines(bitext.target) == bitext.pairs
    assert fetched == fetch(tmp_path)  # the second time nothing is fetched
