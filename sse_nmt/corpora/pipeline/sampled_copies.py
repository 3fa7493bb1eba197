"""Copies of the training text, each segmented at random, an epoch each: subword regularisation (Kudo, 2018)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from sse_nmt.corpora.pipeline.binary_text import IdBlock, copy_dictionary, split_prefix, write_binary
from sse_nmt.system.atomic_files import atomic_directory
from sse_nmt.system.progress import bar
from sse_nmt.text.blocks import BLOCK
from sse_nmt.text.dictionary import END, UNKNOWN, Vocabulary
from sse_nmt.text.subword_sampling import SegmentationSampler
from sse_nmt.text.subwords import load_model

COPIES = "copies"


def copy_folders(folder: Path, count: int) -> list[Path]:
    """Where the binary data of each copy goes; its pieces are beside it, N.LANG."""
    return [folder / COPIES / str(number) for number in range(1, count + 1)]


def write_copies(
    texts: Path,
    folder: Path,
    languages: tuple[str, str],
    model: Path,
    count: int,
    alpha: float,
    max_length: int,
    seed: int,
) -> Counter[str]:
    """``texts/train.LANG`` into ``folder/N.LANG`` for N from 1 to ``count``; return how often each piece stands there.

    ``alpha`` is `SegmentationSampler`'s. A sentence that comes out longer than ``max_length`` pieces keeps its most
    probable segmentation.
    """
    counts: Counter[str] = Counter()
    processor = load_model(model)
    sample = SegmentationSampler(processor, alpha, seed)

    def segmented(path: Path) -> Iterator[list[str]]:
        with open(path, encoding="utf-8", newline="\n") as lines:
            for line in lines:
                text = line.rstrip("\n")
                pieces = sample(text)
                yield pieces if len(pieces) <= max_length else processor.encode(text, out_type=str)

    with atomic_directory(folder) as part:
        for number in bar(range(1, count + 1), "sampling", "copies"):
            for language in languages:
                with open(part / f"{number}.{language}", "w", encoding="utf-8", newline="\n") as file:
                    for pieces in segmented(texts / f"train.{language}"):
                        file.write(" ".join(pieces) + "\n")
                        counts.update(pieces)
    return counts


def binarise_copy(copy: Path, languages: tuple[str, str], dictionary: Path, vocabulary: Vocabulary) -> None:
    """A copy's pieces, which are beside it, as fairseq's training text, with the dictionary that was read."""
    with atomic_directory(copy) as part:
        for language in languages:
            with open(copy.with_name(f"{copy.name}.{language}"), encoding="utf-8", newline="\n") as lines:
                blocks = (_in_rows(block, vocabulary.rows) for block in iter(lambda: list(islice(lines, BLOCK)), []))
                write_binary(part / split_prefix("train", languages, language), len(vocabulary), blocks)
        copy_dictionary(dictionary, part, languages)


def _in_rows(lines: Sequence[str], rows: Mapping[str, int]) -> IdBlock:
    return IdBlock.of([[rows.get(piece, UNKNOWN) for piece in line[:-1].split(" ")] for line in lines], END)
