#!/usr/bin/env python3
"""Writes docs/reference/{commands,options}.md from the code: scripts/make_reference.py"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from sse_nmt.adapters.factorized.options import FactorizedConfig
from sse_nmt.adapters.frequency.options import CFSGDConfig, FASGDConfig
from sse_nmt.adapters.losses.criterion import FusedLabelSmoothedCrossEntropyConfig
from sse_nmt.adapters.one_table_task import OneTableConfig
from sse_nmt.adapters.sse.options import OneTableSSEConfig, SSEConfig
from sse_nmt.cli import build_parser
from sse_nmt.cli.commands import COMMANDS
from sse_nmt.system.options import flag_of
from sse_nmt.system.tables import markdown_table
from sse_nmt.tasks.translation_sse import TranslationSSEConfig

FOLDER = Path(__file__).resolve().parent.parent / "docs/reference"
SECTIONS = {
    "`--task translation_sse`": (SSEConfig, FactorizedConfig, TranslationSSEConfig),
    "`--task language_modeling_sse`, `masked_lm_sse`, `sentence_prediction_sse`": (OneTableSSEConfig, OneTableConfig),
    "`--criterion fused_label_smoothed_cross_entropy`": (FusedLabelSmoothedCrossEntropyConfig,),
    "`--optimizer fa_sgd`": (FASGDConfig,),
    "`--optimizer cf_sgd`": (CFSGDConfig,),
}


def pages() -> dict[Path, str]:
    """File -> what it must hold."""
    return {FOLDER / "commands.md": commands_page(), FOLDER / "options.md": options_page()}


def options_page() -> str:
    parts = [
        "# Options of fairseq's commands",
        "Given to `fairseq-train` as they stand here; in a YAML for `fairseq-hydra-train`, keys with underscores: "
        "`--sse-prob` is `task.sse_prob`, `--loss-chunk-tokens` is `criterion.loss_chunk_tokens`, "
        "`--frequency-alpha` is `optimizer.frequency_alpha`.",
    ]
    for title, kinds in SECTIONS.items():
        rows = [row for number, kind in enumerate(kinds) for row in _rows(kind, kinds[:number])]
        parts += [f"## {title}", markdown_table(("option", "default", "range", "meaning"), rows, left=(0, 1, 2, 3))]
    return _page(parts)


def commands_page() -> str:
    parts = ["# Commands", "`sse-nmt COMMAND --help` prints the same."]
    parsers = _children(build_parser())
    for step, members in COMMANDS.items():
        parts.append(f"## {step[0].upper()}{step[1:]}")
        for name in members:
            parts += _described(f"sse-nmt {name}", parsers[name])
    return _page(parts)


def _described(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"### {name}"
    yield _cell(str(parser.description))
    children = _children(parser)
    for child, its_parser in children.items():
        yield from _described(f"{name} {child}", its_parser)
    if children:
        return
    yield "```sh\n" + "\n".join(line.strip() for line in str(parser.epilog).split("\n")[1:]) + "\n```"
    rows = [
        (f"`{_name(action)}`", _cell(str(action.help).replace("%%", "%")))
        for action in parser._actions
        if action.dest != "help"
    ]
    yield markdown_table(("argument", "meaning"), rows, left=(0, 1))


def _children(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found[0].choices) if found else {}


def _name(action: argparse.Action) -> str:
    value = action.metavar or ("{" + ",".join(action.choices) + "}" if action.choices else "")
    if not action.option_strings:
        return f"{value}{' …' if action.nargs in ('+', '*') else ''}"
    return " ".join(filter(None, (action.option_strings[-1], str(value) if action.nargs != 0 else "")))


def _rows(kind: Any, before: Sequence[Any]) -> Iterator[tuple[str, str, str, str]]:
    """Of the options that are its own."""
    known = {field.name for other in before for field in fields(other)}
    for field in fields(kind):
        if "unset" not in field.metadata or field.name in known:
            continue
        default = field.metadata["unset"] if field.default is None else _value(field.default)
        allowed = field.metadata["range"]
        yield (
            f"`{flag_of(field.name, field.metadata)}`",
            _cell(default),
            "" if allowed is None else _cell(allowed.words),
            _cell(field.metadata["help"]),
        )


def _value(default: object) -> str:
    if default is False:
        return "off"
    return f"{default:g}" if isinstance(default, float) else str(default)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _page(parts: Sequence[str]) -> str:
    return "<!-- Made by scripts/make_reference.py: change the code, not this page. -->\n\n" + "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path)
