"""The quick way from pieces to ids writes what fairseq's own way writes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from conftest import run_command
from fairseq.binarizer import BinarizeSummary, FileBinarizer, VocabularyDatasetBinarizer
from fairseq.data import Dictionary

from sse_nmt.corpora.pipeline import encode
from sse_nmt.corpora.pipeline.encode import encode_file

LINES = 700


def dictionary(words: int) -> Dictionary:
    made = Dictionary()
    for number in range(words):
        made.add_symbol(f"▁w{number}")
    return made


def text(path: Path, words: int, last: str = "\n") -> None:
    """Known and unknown pieces, fairseq's own symbols, all kinds of blanks, empty lines."""
    draw = random.Random(1)
    others = ["</s>", "<unk>", "<pad>", "ü", "\N{GRINNING FACE}", "\N{NO-BREAK SPACE}", "\N{IDEOGRAPHIC SPACE}", "\t"]
    lines = [
        draw.choice([" ", "  "]).join(
            draw.choice(others) if draw.random() < 0.1 else f"▁w{draw.randrange(words)}"
            for _ in range(draw.choice([0, 1, 5, 30]))
        )
        for _ in range(LINES)
    ]
    path.write_text("\n".join(lines) + last, encoding="utf-8")


def written(prefix: Path) -> dict[str, bytes]:
    return {path.name.rpartition(".")[2]: path.read_bytes() for path in prefix.parent.glob(f"{prefix.name}.*")}


@pytest.mark.parametrize("words", [100, 65_600])  # two and four bytes an id
@pytest.mark.parametrize("last", ["\n", "\nno end of line", "\n\n"])
@pytest.mark.parametrize("processes", [1, 3])
def test_the_same_bytes_and_counts_as_fairseq(tmp_path, monkeypatch, words, last, processes):
    monkeypatch.setattr(encode, "BLOCK", 64)
    monkeypatch.setattr(encode, "_BYTES", 64)  # else one process would do
    text(tmp_path / "text", words, last)
    binarizer = VocabularyDatasetBinarizer(dictionary(words), append_eos=True)
    size = len(binarizer.dict)
    summaries = []
    for name, way in (("ours", encode_file), ("theirs", FileBinarizer.multiprocess_dataset)):
        summaries.append(way(str(tmp_path / "text"), "mmap", binarizer, str(tmp_path / name), size, processes))
    assert written(tmp_path / "ours") == written(tmp_path / "theirs")
    assert written(tmp_path / "ours").keys() == {"bin", "idx"}
    assert summaries[0] == summaries[1] and summaries[0].num_replaced > 0


def test_an_empty_file(tmp_path):
    (tmp_path / "text").touch()
    binarizer = VocabularyDatasetBinarizer(dictionary(10))
    assert encode_file(str(tmp_path / "text"), "mmap", binarizer, str(tmp_path / "out"), 14) == BinarizeSummary()
    FileBinarizer.multiprocess_dataset(str(tmp_path / "text"), "mmap", binarizer, str(tmp_path / "theirs"), 14)
    assert written(tmp_path / "out") == written(tmp_path / "theirs")


def test_what_is_prepared_is_what_fairseq_preprocess_makes(toy_data, tmp_path):
    words = ["--joined-dictionary", "--source-lang", "en", "--target-lang", "de", "--destdir", str(tmp_path)]
    words += [word for split in ("train", "valid", "test") for word in (f"--{split}pref", f"{toy_data}/pieces/{split}")]
    done = run_command("fairseq-preprocess", *words)
    assert done.returncode == 0, done.stderr
    files = [path for path in tmp_path.iterdir() if path.name != "preprocess.log"]
    assert len(files) == 14
    for path in files:
        assert path.read_bytes() == (toy_data / "bin" / path.name).read_bytes(), path.name
