"""`sse-nmt translate`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import command, take
from sse_nmt.cli.search import add_search_options
from sse_nmt.evaluation.options import SearchOptions


def add(commands: Any) -> None:
    parser = command(commands, "translate", _translate, "translate text, one sentence a line")
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    parser.add_argument("--input", metavar="FILE", type=Path, help="the text (default: standard input)")
    parser.add_argument("--output", metavar="FILE", type=Path, help="where it goes (default: standard output)")
    add_search_options(parser)


def _translate(options: argparse.Namespace) -> None:
    from sse_nmt.atomic_files import read_lines, split_lines, write_lines
    from sse_nmt.evaluation.translation import Translator

    lines = read_lines(options.input) if options.input else split_lines(sys.stdin.buffer.read(), "Standard input")
    translations = Translator(options.run, take(SearchOptions, options)).translate(lines)
    if options.output is None:
        sys.stdout.writelines(line + "\n" for line in translations)
    else:
        write_lines(options.output, translations)
