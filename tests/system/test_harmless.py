"""Names and texts of strangers in everything that is printed, opened or drawn."""

from __future__ import annotations

import csv
import io

import pytest

from sse_nmt.system.errors import UserError
from sse_nmt.system.harmless import csv_cell, markdown_cell, printable, sentence, without_password
from sse_nmt.system.progress import log_line
from sse_nmt.system.tables import markdown_table, plain_table


def test_a_terminal_only_shows_it():
    assert printable("a\x1b[31mb\x07\nc\u202ed\x9be\udcff\ud800") == r"a\x1b[31mb\x07\nc\u202ed\x9be\xff\ud800"
    assert printable("Äé▁字 …") == "Äé▁字 …"


def test_every_sentence_is_one_line_that_somebody_reads(capsys):
    assert str(UserError("a\nb" + "x" * 10_000 + "end")).startswith(r"a\nbxxx")
    assert len(str(UserError("x" * 10_000))) < 2010 and sentence("short") == "short"
    log_line("first\nsecond\x1b[2J")
    assert capsys.readouterr().err == "first\nsecond\\x1b[2J\n"


def test_tables_stay_tables():
    rows = [["a|b\nc", "<script>x</script>"], ["[a](javascript:x)", "\x1b[1m"]]
    assert markdown_table(["x", "y"], rows).splitlines()[2:] == [
        r"| a\|b\nc            | &lt;script>x&lt;/script> |",
        r"| [a\](javascript:x) |                  \x1b[1m |",
    ]
    assert "\x1b" not in plain_table(["x", "y"], rows) and len(plain_table(["x", "y"], rows).splitlines()) == 3
    assert markdown_cell("`code` and sse_se") == "`code` and sse_se"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_takes_no_name_for_a_formula(text):
    file = io.StringIO()
    csv.writer(file).writerow([csv_cell(text)])
    assert file.getvalue().lstrip('"').startswith("'") and csv_cell("sse_se") == "sse_se"


def test_urls_without_what_is_secret():
    assert without_password("https://me:p%40ss@example.org:8/a?b#c") == "https://example.org:8/a?b#c"
    assert without_password("https://example.org/a@b") == "https://example.org/a@b"
    assert without_password("http://[") == "http://["
