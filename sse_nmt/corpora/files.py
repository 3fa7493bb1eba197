"""The user's own files: text to train on and, if given, validation and test text, kept whole; or a test text alone."""

from __future__ import annotations

from pathlib import Path

from sse_nmt.corpora.corpus import Corpus, Fetched
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.pipeline.steps import Steps
from sse_nmt.system.atomic_files import sha256_of
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import log_line
from sse_nmt.text.bitext import Bitext, check_as_many, check_is_file, check_utf8, count_lines, read_pairs
from sse_nmt.text.pairs import SentencePair

_SPLITS = {"valid": "validation", "test": "test"}


def fetch(options: PrepareOptions, folder: Path, steps: Steps) -> Fetched:
    """They are read where they are.

    Raises:
        UserError: a file that is missing or not UTF-8, or sides of different length.
    """
    paths = [Path(name) for name in _all_files(options) if name is not None]
    if options.source is None or options.target is None:
        return Fetched([], test=_read(*paths), inputs=sha256_of(paths))
    source, target = Path(options.source), Path(options.target)
    for path in (source, target):
        check_is_file(path)
        check_utf8(path)
    lines = count_lines(source)
    check_as_many(source, lines, target, count_lines(target))
    own = {split: _read(*map(Path, sides)) for split in _SPLITS if (sides := _own(options, split)) is not None}
    if own.get("valid") == own.get("test", ()):
        log_line("Validation and test text are the same: a score on it says nothing of unseen text.")
    return Fetched(
        [Bitext("text", source, target, lines)],
        valid=own.get("valid"),
        test=own.get("test"),
        kept_out={f"in the {_SPLITS[split]} text": pairs for split, pairs in own.items()},
        inputs=sha256_of(paths),
    )


def check(options: PrepareOptions) -> None:
    """Raise UserError for a side without the other, or one that is given twice."""
    trains, validates, tests = (_is_given(options, split) for split in ("", "valid", "test"))
    if not trains and (validates or not tests):
        raise UserError(
            "The corpus `files` needs both `--source` and `--target`, or as a test text alone `--test-source` and "
            "`--test-target`."
        )
    for split in ("", "valid", "test"):
        prefix = split and f"{split}_"
        files = [getattr(options, f"{prefix}{side}") for side in ("source", "target")]
        flags = [f"`--{prefix.replace('_', '-')}{side}`" for side in ("source", "target")]
        if None in files and files != [None, None]:
            raise UserError(f"{flags[0]} and {flags[1]} must be given together, but only one is.")
        if None not in files and _same_file(*map(Path, files)):
            raise UserError(f"{flags[0]} and {flags[1]} must be two files, but both are {files[0]}.")


def _is_given(options: PrepareOptions, split: str) -> bool:
    return any(getattr(options, f"{split}_{side}".strip("_")) is not None for side in ("source", "target"))


def _read(source: Path, target: Path) -> list[SentencePair]:
    pairs = read_pairs(source, target)
    if not any(all(pair) for pair in pairs):
        raise UserError(f"{source} and {target} must hold at least one pair of sentences, but hold none.")
    return pairs


def _own(options: PrepareOptions, split: str) -> tuple[str, str] | None:
    source, target = getattr(options, f"{split}_source"), getattr(options, f"{split}_target")
    return None if source is None else (source, target)


def _all_files(options: PrepareOptions) -> list[str | None]:
    return [
        options.source, options.target, options.valid_source, options.valid_target, options.test_source,
        options.test_target,
    ]  # fmt: skip


def _same_file(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.samefile(other)


CORPUS = Corpus(
    "files",
    "text of your own: two files whose lines correspond, to train on or as a test text alone",
    fetch,
    options=frozenset(
        {"source", "target", "valid_source", "valid_target", "test_source", "test_target", "source_lang",
         "target_lang", "pairs", "valid", "test"}
    ),
    check=check,
)  # fmt: skip
