"""What is written in one pass is what fairseq-preprocess makes of the pieces."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from conftest import run_command, sse_nmt_here
from fairseq.binarizer import FileBinarizer, VocabularyDatasetBinarizer
from fairseq.data import Dictionary

from sse_nmt.corpora.pipeline.binary_text import IdBlock, ModelIds, write_binary
from sse_nmt.text.dictionary import Vocabulary

LINES = 700


def dictionary(path: Path, words: int) -> Dictionary:
    path.write_text("".join(f"▁w{number} 1\n" for number in range(words)), encoding="utf-8")
    return Dictionary.load(str(path))


def written(prefix: Path) -> dict[str, bytes]:
    return {path.name.rpartition(".")[2]: path.read_bytes() for path in prefix.parent.glob(f"{prefix.name}.*")}


def theirs(text: Path, words: Dictionary, prefix: Path) -> dict[str, bytes]:
    binarizer = VocabularyDatasetBinarizer(words, append_eos=True)
    FileBinarizer.multiprocess_dataset(str(text), "mmap", binarizer, str(prefix), len(words), 1)
    return written(prefix)


@pytest.mark.parametrize("words", [100, 65_400, 65_600])  # two bytes an id, two, and four
@pytest.mark.parametrize("blocks", [1, 5])
def test_the_same_bytes_as_fairseq(tmp_path, words, blocks):
    """Of lines of known and unknown pieces, empty ones among them, in ids of a model that counts otherwise."""
    made = dictionary(tmp_path / "dict.txt", words)
    pieces = ["<unk>", *(f"▁w{number}" for number in reversed(range(words))), "▁nowhere"]
    draw = random.Random(1)
    lines = [[draw.randrange(len(pieces)) for _ in range(draw.choice([0, 1, 5, 30]))] for _ in range(LINES)]
    text = "".join(" ".join("ü" if number == 0 else pieces[number] for number in line) + "\n" for line in lines)
    (tmp_path / "text").write_text(text, encoding="utf-8")
    ids = ModelIds(pieces, tmp_path)
    for part in np.array_split(np.arange(LINES), blocks):
        ids.add(IdBlock.of([lines[number] for number in part], ids.end))
    ids.write(tmp_path / "ours", Vocabulary.read(tmp_path / "dict.txt"))
    assert written(tmp_path / "ours") == theirs(tmp_path / "text", made, tmp_path / "theirs")
    assert written(tmp_path / "ours").keys() == {"bin", "idx"}
    flat = [number for line in lines for number in line]
    assert ids.counts.tolist() == np.bincount(flat, minlength=len(pieces)).tolist()


def test_an_empty_text(tmp_path):
    (tmp_path / "text").touch()
    write_binary(tmp_path / "ours", 14, [])
    assert written(tmp_path / "ours") == theirs(
        tmp_path / "text", dictionary(tmp_path / "dict.txt", 10), tmp_path / "theirs"
    )


def preprocess(prefixes: dict[str, Path], destination: Path, *words: str) -> None:
    words = ("--joined-dictionary", "--source-lang", "en", "--target-lang", "de", "--destdir", str(destination), *words)
    splits = [word for split, prefix in prefixes.items() for word in (f"--{split}pref", str(prefix))]
    done = run_command("fairseq-preprocess", *words, *splits)
    assert done.returncode == 0, done.stderr


def assert_same_files(made: Path, ours: Path, count: int) -> None:
    files = [path for path in made.iterdir() if path.name != "preprocess.log"]
    assert len(files) == len(list(ours.iterdir())) == count
    for path in files:
        assert path.read_bytes() == (ours / path.name).read_bytes(), path.name


def test_what_is_prepared_is_what_fairseq_preprocess_makes(toy_data, tmp_path):
    preprocess({split: toy_data / "pieces" / split for split in ("train", "valid", "test")}, tmp_path)
    assert_same_files(tmp_path, toy_data / "bin", 14)


def test_so_are_characters_that_the_model_does_not_know_and_copies(toy_text, tmp_path):
    """Test text has them, alone, in a row and between blanks of all kinds, and the names of fairseq's own symbols."""
    source, target = (Path(path).read_text("utf-8").split("\n")[:-1] for path in toy_text)
    source[-1], target[-1] = (
        "</s> \N{GRINNING FACE}\N{GRINNING FACE} a\N{NO-BREAK SPACE}ж",
        "<unk> \N{IDEOGRAPHIC SPACE}щ\tж",
    )
    source[-2], target[-2] = "<pad> <s> \N{LATIN SMALL LETTER LONG S}", "\N{GRINNING FACE}"
    files = {}
    for name, lines in (("source", source), ("target", target)):
        for part, some in (("", lines[:-20]), ("valid-", lines[-20:-10]), ("test-", lines[-10:])):
            files[part + name] = tmp_path / f"{part}{name}"
            files[part + name].write_text("\n".join(some) + "\n", encoding="utf-8")
    data = tmp_path / "data"
    words = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    words += ["--vocab-size", "80", "--max-ratio", "3", "--sampled-copies", "2"]
    sse_nmt_here("prepare", "files", data, *words)
    pieces = (data / "pieces/test.en").read_text("utf-8") + (data / "pieces/test.de").read_text("utf-8")
    assert pieces.count("\N{GRINNING FACE}") == 3 and "ж" in pieces
    dict_ = ("--srcdict", str(data / "dict.txt"))
    preprocess({split: data / "pieces" / split for split in ("train", "valid", "test")}, tmp_path / "all", *dict_)
    assert_same_files(tmp_path / "all", data / "bin", 14)
    preprocess({"train": data / "copies/2"}, tmp_path / "copy", *dict_)
    assert_same_files(tmp_path / "copy", data / "copies/2", 6)
