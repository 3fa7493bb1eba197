"""Copies of the training text, each segmented at random: subword regularisation (Kudo, 2018), a copy an epoch.

Run as a program it writes one side of one copy: SentencePiece draws from a stream of its own that a process seeds once.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import sentencepiece

from sse_nmt.system.atomic_files import atomic_directory, atomic_write
from sse_nmt.system.child_processes import run_child
from sse_nmt.system.progress import bar
from sse_nmt.text.subwords import load_model

COPIES = "copies"
ALPHA = 0.1  # exponent of a segmentation's probability: 0 draws all alike, 1 as the model has them


def copy_folders(folder: Path, count: int) -> list[Path]:
    """Where the binary data of each copy goes; its pieces are beside it, N.LANG."""
    return [folder / COPIES / str(number) for number in range(1, count + 1)]


def write_copies(
    texts: Path, folder: Path, languages: tuple[str, str], model: Path, count: int, max_length: int, seed: int
) -> Counter[str]:
    """``texts/train.LANG`` into ``folder/N.LANG`` for N from 1 to ``count``; return how often each piece stands there.

    A sentence that comes out longer than ``max_length`` pieces keeps its most probable segmentation.
    """
    counts: Counter[str] = Counter()
    with atomic_directory(folder) as part:
        for number in bar(range(1, count + 1), "sampling", "copies"):
            for side, language in enumerate(languages):
                destination = part / f"{number}.{language}"
                own_seed = (seed + 1) * 1_000_003 + 2 * number + side  # no two alike, whatever the seed
                words = [str(model), str(own_seed % 2**32), str(max_length), str(texts / f"train.{language}")]
                run_child([sys.executable, "-m", __name__, *words, str(destination)], "The text cannot be segmented")
                with open(destination, encoding="utf-8", newline="\n") as lines:
                    for line in lines:
                        counts.update(line.split())
    return counts


def write_sampled(model: Path, seed: int, max_length: int, source: Path, destination: Path) -> None:
    """Every line in pieces, drawn one after the other."""
    processor = load_model(model)
    sentencepiece.set_random_generator_seed(seed)
    with open(source, encoding="utf-8", newline="\n") as lines, atomic_write(destination) as file:
        for line in lines:
            text = line.rstrip("\n")
            pieces = processor.encode(text, out_type=str, enable_sampling=True, alpha=ALPHA, nbest_size=-1)
            if len(pieces) > max_length:
                pieces = processor.encode(text, out_type=str)
            file.write(" ".join(pieces) + "\n")


if __name__ == "__main__":
    write_sampled(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), Path(sys.argv[5]))
