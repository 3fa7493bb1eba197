"""The options of every command that translates."""

from __future__ import annotations

import argparse

from sse_nmt.cli.arguments import option
from sse_nmt.evaluation.options import ENGINES, SearchOptions


def add_search_options(parser: argparse.ArgumentParser, default: SearchOptions | None = None) -> None:
    default = SearchOptions() if default is None else default
    option(parser, default, "engine", f"one of {', '.join(ENGINES)}", metavar="NAME")
    option(parser, default, "beam", "width of the beam", int)
    option(parser, default, "length_penalty", "exponent of the length that log-probabilities are divided by", float)
    option(parser, default, "max_length", "most pieces of a translation", int)
    option(parser, default, "batch_tokens", "pieces per batch", int)
    option(parser, default, "compute_type", "number format of CTranslate2 (float32, int8, …)", metavar="TYPE")


def add_tokenize_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tokenize",
        metavar="NAME",
        help="sacreBLEU's tokeniser for BLEU (default: that of the target language: zh, ja-mecab, ko-mecab, "
        "flores200 for Thai, Lao, Khmer, Burmese, Tibetan and Dzongkha, else 13a)",
    )
