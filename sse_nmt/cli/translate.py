"""`sse-nmt translate`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import add_options, command, from_namespace
from sse_nmt.translation.options import SearchOptions


def add(commands: Any, text: str) -> None:
    examples = ["sse-nmt translate runs/sse_se --input text.en --output text.de"]
    parser = command(commands, "translate", _translate, text, examples)
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    parser.add_argument("--input", metavar="FILE", type=Path, help="the text (default: standard input)")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="where translations are written (default: standard output)"
    )
    add_options(parser, SearchOptions)


def _translate(options: argparse.Namespace) -> None:
    from sse_nmt.system.atomic_files import read_lines, split_lines, write_lines
    from sse_nmt.translation.translator import Translator

    lines = read_lines(options.input) if options.input else split_lines(sys.stdin.buffer.read(), "Standard input")
    translations = Translator(options.run, from_namespace(SearchOptions, options)).translate(lines)
    if options.output is None:
        sys.stdout.writelines(line + "\n" for line in translations)
    else:
        write_lines(options.output, translations)
