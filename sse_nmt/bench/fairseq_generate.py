"""`fairseq-generate` as its users start it, timed as it times itself: without imports and loading."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sse_nmt.runs.model import Model
from sse_nmt.system.atomic_files import write_lines
from sse_nmt.system.child_processes import run_child
from sse_nmt.system.errors import UserError
from sse_nmt.system.user_dir import USER_DIR
from sse_nmt.translation.options import SearchOptions

_SPLIT = "test"
_SPEED = re.compile(r"Translated ([\d,]+) sentences \(.*? tokens\) in [\d.]+s \(([\d.]+) sentences/s")


def binarise_test(model: Model, source: Sequence[list[str]], target: Sequence[list[str]], folder: Path) -> Path:
    """The sentences, in pieces, as `fairseq-preprocess` leaves them; the path of its output."""
    languages = (model.source_lang, model.target_lang)
    for language, lines in zip(languages, (source, target), strict=True):
        write_lines(folder / f"{_SPLIT}.{language}", (" ".join(pieces) for pieces in lines))
    source_dictionary, target_dictionary = (str(model.dictionaries / f"dict.{language}.txt") for language in languages)
    arguments = [*_languages(model), "--testpref", str(folder / _SPLIT), "--destdir", str(folder / "bin")]
    _run("preprocess", [*arguments, "--srcdict", source_dictionary, "--tgtdict", target_dictionary], {})
    return folder / "bin"


def generate(
    model: Model, data: Path, options: SearchOptions, threads: int, device: str
) -> tuple[float, list[list[str]]]:
    """Sentences per second, as the command reports them, and the pieces of the translations, in order."""
    arguments = [
        str(data), "--user-dir", USER_DIR, "--task", "translation", "--path", str(model.checkpoint),
        *_languages(model), "--gen-subset", _SPLIT, "--beam", str(options.beam),
        "--lenpen", str(options.length_penalty), "--max-len-a", "0", "--max-len-b", str(options.max_length),
        "--max-tokens", str(options.batch(device)), "--required-batch-size-multiple", "1",
        *(["--cpu"] if device == "cpu" else []),
    ]  # fmt: skip
    output = _run("generate", arguments, {"OMP_NUM_THREADS": str(threads), "LOGLEVEL": "INFO"})
    found = [line.split("\t") for line in output.splitlines() if line.startswith("H-")]
    best = {int(tag.removeprefix("H-")): pieces.split() for tag, _, pieces in found}
    speed = _SPEED.search(output)
    if speed is None or int(speed[1].replace(",", "")) != len(best):
        raise UserError("fairseq-generate must say how fast it translated all sentences, but did not.")
    return float(speed[2]), [best[number] for number in sorted(best)]


def _languages(model: Model) -> list[str]:
    return ["--source-lang", model.source_lang, "--target-lang", model.target_lang]


def _run(name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """What the command prints; its log goes wherever its imports have sent it. Raises UserError if it fails."""
    command = [sys.executable, "-m", f"fairseq_cli.{name}", *arguments]
    return run_child(command, f"fairseq-{name} failed", environment=environment, merged=True)
