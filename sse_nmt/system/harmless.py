"""What came from outside, as it may stand in what is printed or opened: no control codes, no markup, no formulas."""

from __future__ import annotations

import re
import urllib.parse

_LONGEST = 2000  # characters of a sentence
# Control characters (a terminal obeys them), line separators, marks that turn a line round, halves of surrogate pairs.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    """One line of text that a terminal only shows; what it would obey is spelt as Python spells it."""
    return _UNPRINTABLE.sub(_spelt, text)


def sentence(text: str) -> str:
    """The same, without the middle if it is longer than anybody reads."""
    line = printable(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} … {line[-_LONGEST // 2 :]}"


def markdown_line(text: str) -> str:
    """A line of Markdown with neither element nor link, whatever it says."""
    return printable(text).replace("<", "&lt;").replace("](", "\\](")


def markdown_cell(text: str) -> str:
    """The same as a cell of a table, which stays one."""
    return markdown_line(text).replace("|", "\\|")


def csv_cell(text: str) -> str:
    """A cell that a spreadsheet takes for text (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def without_password(url: str) -> str:
    """A URL without what stands before its host: a user's name and password, which are nobody else's."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return url
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _spelt(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a path that is not UTF-8, as Python has it
        return f"\\x{code - 0xDC00:02x}"
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")
