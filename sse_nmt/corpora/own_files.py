"""The user's own files, of the corpus `files`: text to train on and, if given, validation and test text, kept whole."""

from __future__ import annotations

from pathlib import Path

from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.errors import UserError


def own_files(options: PrepareOptions) -> dict[str, tuple[str | None, str | None]]:
    """Split -> (source, target) files, of the corpus `files`."""
    return {
        "train": (options.source, options.target),
        "valid": (options.valid_source, options.valid_target),
        "test": (options.test_source, options.test_target),
    }


def check_own_files(options: PrepareOptions) -> None:
    """Raise UserError for files of another corpus, one without its other side, or one that is given twice."""
    for split, files in own_files(options).items():
        flags = [f"`--{'' if split == 'train' else f'{split}-'}{side}`" for side in ("source", "target")]
        if options.corpus != "files":
            if files != (None, None):
                raise UserError(f"{flags[0]} and {flags[1]} are for the corpus `files`, not for {options.corpus}.")
        elif None in files and files != (None, None):
            raise UserError(f"{flags[0]} and {flags[1]} must be given together, but only one is.")
        elif files[0] is not None and files[1] is not None and _same_file(Path(files[0]), Path(files[1])):
            raise UserError(f"{flags[0]} and {flags[1]} must be two files, but both are {files[0]}.")


def _same_file(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.samefile(other)


def paths_of(options: PrepareOptions, split: str) -> tuple[Path, Path]:
    """Source and target of a split that has files."""
    source, target = own_files(options)[split]
    assert source is not None and target is not None
    return Path(source), Path(target)
