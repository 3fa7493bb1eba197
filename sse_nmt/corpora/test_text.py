"""The test text of a folder that `sse-nmt prepare` filled, for those who did not train on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sse_nmt.system.atomic_files import read_lines, write_lines
from sse_nmt.system.errors import UserError
from sse_nmt.text.bitext import pair_up
from sse_nmt.text.manifest import read_manifest
from sse_nmt.text.pairs import SentencePair


def write_test_text(folder: Path, languages: Sequence[str], pairs: Sequence[SentencePair]) -> list[Path]:
    """Return its two files. Raises UserError if there are no pairs."""
    if not pairs:
        raise UserError(f"There must be pairs of {' and '.join(languages)}, but there are none.")
    files = _files(folder, languages)
    files[0].parent.mkdir(exist_ok=True)
    for file, lines in zip(files, zip(*pairs, strict=True), strict=True):
        write_lines(file, lines)
    return files


def read_test_text(folder: Path, languages: Sequence[str]) -> list[SentencePair]:
    """Raises UserError if the folder was not prepared, or for other languages."""
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        raise UserError(f"{folder} must be prepared by `sse-nmt prepare`, but holds no {manifest.name}.")
    options = read_manifest(folder)["options"]
    found = [options["source_lang"], options["target_lang"]]
    if found != list(languages):
        wanted, instead = (" and ".join(names) for names in (languages, found))
        raise UserError(f"{folder} must hold text of {wanted}, but holds {instead} instead.")
    source, target = _files(folder, languages)
    return pair_up(source, read_lines(source), target, read_lines(target))


def _files(folder: Path, languages: Sequence[str]) -> list[Path]:
    return [folder / "text" / f"test.{language}" for language in languages]
