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

_TRAINING = ""  # in the names of its options
_SPLITS = {"valid": "validation", "test": "test"}


def fetch(options: PrepareOptions, folder: Path, steps: Steps) -> Fetched:
    """They are read where they are.

    Raises:
        UserError: a file that is missing or not UTF-8, or sides of different length.
    """
    given = {split: [Path(side) for side in sides if side is not None] for split, sides in _given(options).items()}
    paths = [path for sides in given.values() for path in sides]
    if _TRAINING not in given:
        return Fetched([], test=_read(*given["test"]), inputs=sha256_of(paths))
    source, target = given[_TRAINING]
    for path in (source, target):
        check_is_file(path)
        check_utf8(path)
    lines = count_lines(source)
    check_as_many(source, lines, target, count_lines(target))
    own = {split: _read(*given[split]) for split in _SPLITS if split in given}
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
    given = _given(options)
    if _TRAINING not in given and list(given) != ["test"]:
        raise UserError(
            "The corpus `files` needs both `--source` and `--target`, or as a test text alone `--test-source` and "
            "`--test-target`."
        )
    for split, (source, target) in given.items():
        flags = [f"`--{f'{split}-{side}'.strip('-')}`" for side in ("source", "target")]
        if source is None or target is None:
            raise UserError(f"{flags[0]} and {flags[1]} must be given together, but only one is.")
        if _same_file(Path(source), Path(target)):
            raise UserError(f"{flags[0]} and {flags[1]} must be two files, but both are {source}.")


def _given(options: PrepareOptions) -> dict[str, tuple[str | None, str | None]]:
    """Training, validation and test text -> its two sides, of what has one."""
    sides = {
        _TRAINING: (options.source, options.target),
        "valid": (options.valid_source, options.valid_target),
        "test": (options.test_source, options.test_target),
    }
    return {split: files for split, files in sides.items() if files != (None, None)}


def _read(source: Path, target: Path) -> list[SentencePair]:
    pairs = read_pairs(source, target)
    if not any(all(pair) for pair in pairs):
        raise UserError(f"{source} and {target} must hold at least one pair of sentences, but hold none.")
    return pairs


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
