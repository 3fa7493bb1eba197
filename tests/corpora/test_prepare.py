"""`sse-nmt prepare` on real text and SentencePiece."""

from __future__ import annotations

import os
import resource
import shutil
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pytest
from conftest import read_json, refused, sse_nmt, sse_nmt_here
from toy_corpus import sentences

from sse_nmt.corpora.catalogue import CORPORA
from sse_nmt.corpora.corpus import Fetched
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.pipeline.run import Pipeline
from sse_nmt.corpora.pipeline.steps import Steps
from sse_nmt.corpora.prepare import prepare
from sse_nmt.corpora.test_text import read_test_text
from sse_nmt.system.atomic_files import read_lines, write_json, write_lines
from sse_nmt.system.errors import UserError
from sse_nmt.system.locks import folder_lock
from sse_nmt.text.bitext import write_documents
from sse_nmt.text.pairs import Document
from sse_nmt.text.subwords import load_model


def test_what_it_leaves_behind(toy_data, toy_text):
    lines = {split: [read_lines(toy_data / "text" / f"{split}.{lang}") for lang in ("en", "de")] for split in
             ("train", "valid", "test")}  # fmt: skip
    everything = set(zip(*map(read_lines, toy_text), strict=True))
    train, valid, test = (set(zip(*lines[split], strict=True)) for split in ("train", "valid", "test"))
    assert train | valid | test == everything and len(train) + len(valid) + len(test) == 200
    assert (len(valid), len(test)) == (20, 20)
    model = load_model(toy_data / "sentencepiece.model")
    for split in ("train", "valid", "test"):
        for side, lang in enumerate(("en", "de")):
            pieces = read_lines(toy_data / "pieces" / f"{split}.{lang}")
            assert [model.decode(line.split()) for line in pieces] == lines[split][side]
        assert (toy_data / "bin" / f"{split}.en-de.de.bin").exists()
    assert (toy_data / "bin/dict.en.txt").read_bytes() == (toy_data / "bin/dict.de.txt").read_bytes()
    manifest = read_json(toy_data / "manifest.json")
    assert manifest["pairs"] == {"train": 160, "valid": 20, "test": 20}
    assert not list(toy_data.rglob("*.part"))


def test_a_second_time_there_is_nothing_to_do(toy_data, toy_options, capsys):
    before = {path: path.stat().st_mtime_ns for path in toy_data.rglob("*")}
    prepare(toy_options, toy_data)
    assert before == {path: path.stat().st_mtime_ns for path in toy_data.rglob("*")}
    said = capsys.readouterr().err.splitlines()
    assert sum(": done before, in " in line for line in said) == len(list((toy_data / "steps").iterdir())) == 6


def test_other_options_are_not_mixed_in(toy_data, toy_options):
    with pytest.raises(UserError) as error:
        prepare(replace(toy_options, vocab_size=90), toy_data)
    assert str(error.value) == (
        f"{toy_data} was prepared with `--vocab-size` 80, not 90: choose another folder or remove this one."
    )


def test_pairs_chooses_as_many_and_the_same_test_text(toy_data, toy_options, tmp_path):
    prepare(replace(toy_options, pairs=50), tmp_path)
    assert len(read_lines(tmp_path / "text/train.en")) == 50
    assert (tmp_path / "text/test.de").read_bytes() == (toy_data / "text/test.de").read_bytes()
    assert set(read_lines(tmp_path / "text/train.en")) <= set(read_lines(toy_data / "text/train.en"))


def test_an_interrupted_step_is_done_again(toy_options, toy_data, tmp_path):
    (tmp_path / "preparing.json").touch()
    (tmp_path / "pieces.0a1b2c3d.part").mkdir()
    (tmp_path / "pieces.0a1b2c3d.part" / "train.en").write_text("half a")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "dict.en.txt").write_text("half a")
    prepare(toy_options, tmp_path)
    assert (tmp_path / "bin/dict.en.txt").read_bytes() == (toy_data / "bin/dict.en.txt").read_bytes()


def test_other_text_under_the_same_names_is_noticed(toy_data, toy_options, toy_text, tmp_path):
    data = Path(shutil.copytree(toy_data, tmp_path / "data"))
    source = Path(shutil.copy(toy_text[0], tmp_path))
    options = replace(toy_options, source=str(source))
    write_json(data / "manifest.json", {**read_json(data / "manifest.json"), "options": asdict(options)})
    prepare(options, data)  # nothing to do
    source.write_bytes(source.read_bytes().replace(b"dog", b"cow"))
    with pytest.raises(UserError) as error:
        prepare(options, data)
    assert str(error.value) == f"{data} was prepared from other text than the files now hold: choose another folder."


def test_other_text_of_the_same_size_and_time_is_noticed_where_nothing_was_finished(toy_options, toy_text, tmp_path):
    source, folder = tmp_path / "own.en", tmp_path / "data"
    shutil.copy(toy_text[0], source)
    options = replace(toy_options, source=str(source))
    prepare(options, folder)
    (folder / "manifest.json").unlink()  # as if it had been stopped just before
    time = source.stat().st_mtime_ns
    source.write_bytes(source.read_bytes().replace(b"The", b"Teh"))
    os.utime(source, ns=(time, time))
    prepare(options, folder)
    assert "Teh" in (folder / "text/train.en").read_text() and "The" not in (folder / "text/train.en").read_text()


def test_a_test_text_of_ones_own_alone(tmp_path, capsys):
    source, target = write(tmp_path / "a", "one \n\n two\n"), write(tmp_path / "b", "eins\nzwei\ndrei\n")
    words = ["prepare", "files", tmp_path / "own", "--test-source", source, "--test-target", target]
    sse_nmt_here(*words)
    assert read_test_text(tmp_path / "own", ("en", "de")) == [("one ", "eins"), ("", "zwei"), (" two", "drei")]
    assert read_json(tmp_path / "own/manifest.json")["pairs"] == {"test": 3}
    assert not (tmp_path / "own/bin").exists() and "3 pairs to test on, none to train on." in capsys.readouterr().err
    sse_nmt_here(*words)
    Path(target).write_text("eins\nzwei\nvier\n")
    assert "was prepared from other text than the files now hold" in refused(capsys, *words)


def test_the_same_files_by_another_way(toy_options, toy_data, monkeypatch, capsys):
    source = Path(toy_options.source)
    monkeypatch.chdir(source.parent.parent)
    prepare(replace(toy_options, source=str(Path(source.parent.name, source.name))), toy_data)
    assert capsys.readouterr().err.count(": done before, in ") == 6


def test_too_few_documents_to_set_any_apart(toy_options, tmp_path):
    documents = [Document("only", [(f"a {i}", f"b {i}") for i in range(100)])]
    fetched = Fetched([write_documents(documents, "text", tmp_path)])
    with pytest.raises(UserError, match="^The corpus must have documents to train on and others to set apart for"):
        Pipeline(tmp_path, toy_options, Steps(tmp_path)).run(fetched)


@pytest.mark.parametrize("code", ["", "..", "a/b", "-de", "de.", "a b"])
def test_codes_of_languages_that_are_no_part_of_a_file_s_name(toy_text, tmp_path, capsys, code):
    words = ["--source", toy_text[0], "--target", toy_text[1], f"--source-lang={code}"]
    said = refused(capsys, "prepare", "files", tmp_path / "data", *words)
    assert said == f"`--source-lang` must be letters and digits, such as de or zh-TW, but is {code!r} instead."
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("prepare", "multi30k", "data"), ("bench", "op"), ("bench", "prepare"),
        ("graph", "build", "pivot", "g", "--dictionary", "d", "--source", "a", "--target", "b"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_that_not_all_tools_take(tmp_path, monkeypatch, capsys, words, seed):
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "d", ["a 1"])
    assert (
        refused(capsys, *words, "--seed", str(seed)) == f"`--seed` must be in [0, 4294967295], but is {seed} instead."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_the_seed_of_a_training_is_one_that_all_tools_take(toy_data, tmp_path, capsys):
    system = f"configs/quickstart/baseline.yaml={tmp_path / 'run'}"
    said = refused(capsys, "train", toy_data, system, "--seed", "-1")
    assert said == "`--seed` must be in [0, 4294967295], but is -1 instead."
    assert not (tmp_path / "run").exists()


def test_the_other_direction(tmp_path):
    folder = tmp_path / "multi30k"
    folder.mkdir()
    pairs = sentences(60)
    for number, name in enumerate(("train", "val", "test_2016_flickr")):
        part = pairs[:40] if name == "train" else pairs[40 + 10 * (number - 1) : 50 + 10 * (number - 1)]
        write_lines(folder / f"{name}.en", [source for source, _ in part])
        write_lines(folder / f"{name}.de", [target for _, target in part])
    options = PrepareOptions(
        "multi30k", folder=str(folder), source_lang="de", target_lang="en", vocab_size=60, max_ratio=9
    )
    prepare(options, tmp_path / "out")
    assert read_lines(tmp_path / "out/text/test.de") == read_lines(folder / "test_2016_flickr.de")
    assert (tmp_path / "out/bin/test.de-en.de.bin").exists()


def write(path: Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


@pytest.fixture
def bad_input(tmp_path, toy_text) -> dict[str, tuple[list[str], str]]:
    """Words after `sse-nmt prepare`, and the sentence they are answered with."""
    english, german = map(str, toy_text)
    short, empty = write(tmp_path / "short", "one\ntwo\n"), write(tmp_path / "empty", "")
    latin, blank = write(tmp_path / "latin", b"caf\xe9\n" * 200), write(tmp_path / "blank", " \n" * 200)
    out = str(tmp_path / "out")
    files = ["files", out, "--source", english, "--target"]
    few = ["--valid", "20", "--test", "20"]
    return {
        "unknown corpus": (
            ["wikipedia", out],
            f"The corpus must be one of {', '.join(CORPORA)}, but is 'wikipedia' instead.",
        ),
        "unequal": (
            [*files, short],
            f"Source and target must have as many lines, but {english} has 200 and {short} has 2.",
        ),
        "no file": ([*files, f"{out}/nothing"], f"{out}/nothing must be a text file, but there is none."),
        "no target": (
            ["files", out, "--source", english],
            "`--source` and `--target` must be given together, but only one is.",
        ),
        "nothing": (
            ["files", out],
            "The corpus `files` needs both `--source` and `--target`, or as a test text alone `--test-source` and "
            "`--test-target`.",
        ),
        "no test text": (
            ["files", out, "--valid-source", english, "--valid-target", german],
            "The corpus `files` needs both `--source` and `--target`, or as a test text alone `--test-source` and "
            "`--test-target`.",
        ),
        "not UTF-8": ([*files, latin], f"{latin} must be UTF-8 text, but its byte 3 is not."),
        "blank": (
            [*files, blank],
            "The corpus must hold at least one pair, but none is left after cleaning: empty 200.",
        ),
        "the same twice": (
            [*files, english],
            f"`--source` and `--target` must be two files, but both are {english}.",
        ),
        "a copy": (
            [*files, write(tmp_path / "copy", Path(english).read_bytes())],
            "The corpus must hold at least one pair, but none is left after cleaning: untranslated 200.",
        ),
        "half of a test text": (
            [*files, german, "--test-source", english],
            "`--test-source` and `--test-target` must be given together, but only one is.",
        ),
        "test text of a corpus": (
            ["multi30k", out, "--test-source", english, "--test-target", german],
            "`--test-source` is no option of the corpus multi30k.",
        ),
        "empty test text": (
            [*files, german, *few, "--test-source", empty, "--test-target", write(tmp_path / "empty too", "")],
            f"{empty} and {tmp_path}/empty too must hold at least one pair of sentences, but hold none.",
        ),
        "empty": (
            ["files", out, "--source", empty, "--target", write(tmp_path / "empty too", "")],
            "The corpus must hold at least one pair, but none is left after cleaning: there was none.",
        ),
        "all set apart": (
            [*files, german],
            "The corpus must hold more pairs than are set apart, 1000 for validation and 2000 for test, "
            "but holds 200 after cleaning: lower `--valid` and `--test`.",
        ),
        "too long": (
            [*files, german, *few, "--max-length", "1", "--vocab-size", "80"],
            "The training text must hold at least one pair, but none is left after cleaning: "
            "length 160 (`--min-length`, `--max-length`).",
        ),
        "ratio": ([*files, german, "--max-ratio", "0.5"], "`--max-ratio` must be at least 1, but is 0.5 instead."),
        "one language": (
            [*files, german, "--target-lang", "en"],
            "`--source-lang` and `--target-lang` must differ, but both are en.",
        ),
        "other languages": (
            ["multi30k", out, "--source-lang", "fr"],
            "The languages of multi30k must be en and de, but are fr and de instead.",
        ),
        "mirror": (["multi30k", out, "--mirror", "nowhere"], "nowhere/train.en.gz cannot be downloaded: unknown url"),
        "somebody's folder": (
            ["files", str(tmp_path), "--source", english, "--target", german],
            f"{tmp_path} must be empty or of our own making, but holds blank and no preparing.json.",
        ),
        "pairs": ([*files, german, "--pairs", "0"], "`--pairs` must be at least 1, but is 0 instead."),
        "download": (
            ["multi30k", out, "--mirror", "http://127.0.0.1:9"],
            "http://127.0.0.1:9/train.en.gz cannot be downloaded:",
        ),
        "from": (
            ["multi30k", out, "--from", str(tmp_path)],
            f"{tmp_path} must hold train.en or train.en.gz, but holds neither.",
        ),
    }  # fmt: skip


CASES = [
    *("unknown corpus", "unequal", "no file", "no target", "not UTF-8", "blank", "empty", "all set apart"),
    *("the same twice", "a copy", "half of a test text", "test text of a corpus", "empty test text"),
    *("too long", "ratio", "pairs", "download", "from", "mirror"),
    *("one language", "other languages", "somebody's folder"),
]


@pytest.mark.parametrize("case", CASES)
def test_bad_input_gets_one_sentence(bad_input, case, tmp_path, capsys):
    words, sentence = bad_input[case]
    assert refused(capsys, "prepare", *words, after_news=True).startswith(sentence)
    assert not list(tmp_path.rglob("manifest.json")) and not list(tmp_path.rglob("*.part"))


def test_a_full_disk_leaves_no_half_file(toy_text, tmp_path):
    """A limit on the size of files stands in for the disk: the system refuses the write in the same way."""
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (2000, 2000))
    words = ["--source", toy_text[0], "--target", toy_text[1], "--vocab-size", "80", "--valid", "20", "--test", "20"]
    done = sse_nmt("prepare", "files", tmp_path / "out", *words, preexec_fn=limit)
    assert done.returncode == 1
    first = tmp_path / "out/clean/text.source"
    assert done.stderr.splitlines()[-1] == f"sse-nmt: {first} cannot be read or written: File too large."
    left = sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert left == [".lock", "preparing.json", "text.kept"]
    assert (tmp_path / "out/clean/text.kept").stat().st_size == 200  # a byte a pair: whole


@pytest.mark.parametrize(("asked", "at"), [(5000, "at most"), (10, "at least")])
def test_pieces_that_the_text_cannot_have_are_fitted(toy_options, tmp_path, capsys, asked, at):
    prepare(replace(toy_options, vocab_size=asked), tmp_path)
    pieces = read_json(tmp_path / "manifest.json")["vocab_size"]
    assert f"  160 pairs can have {at} {pieces} pieces, not {asked:,}: {pieces} it is." in capsys.readouterr().err
    assert load_model(tmp_path / "sentencepiece.model").get_piece_size() == pieces
    prepare(replace(toy_options, vocab_size=asked), tmp_path)  # nothing to do


def test_validation_and_test_text_of_ones_own(toy_options, toy_text, tmp_path):
    """Kept byte for byte but for line ends; what stands in them does not train; what no model can take does not
    validate.
    """
    english, german = map(read_lines, toy_text)
    odd = ["  zwei\u00a0 Blanks …", "u\u0308ber\u00ad", "\ufeff²"]
    test = [english[0], "odd", "odder", "oddest"], [german[0], *odd]
    valid = [english[1], "word " * 1108], [german[1], "Wort " * 1108]
    names = {"test_source": test[0], "test_target": test[1], "valid_source": valid[0], "valid_target": valid[1]}
    files = {name: tmp_path / name for name in names}
    for name, lines in names.items():
        files[name].write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    prepare(replace(toy_options, **{name: str(path) for name, path in files.items()}), tmp_path / "data")
    text = tmp_path / "data/text"
    assert (read_lines(text / "test.en"), read_lines(text / "test.de")) == test
    assert (read_lines(text / "valid.en"), read_lines(text / "valid.de")) == ([english[1]], [german[1]])
    assert set(read_lines(text / "train.de")) == set(german[2:])
    removed = read_json(tmp_path / "data/manifest.json")["removed"]
    assert (removed["in the test text"], removed["in the validation text"], removed["length, of validation"]) == (
        1,
        1,
        1,
    )


def test_two_preparations_of_one_folder_at_a_time_are_refused(toy_options, tmp_path):
    with folder_lock(tmp_path, "preparation"), pytest.raises(UserError) as error:
        prepare(toy_options, tmp_path)
    assert str(error.value) == f"{tmp_path} is in use by another preparation: wait for it or stop it."


def test_a_text_that_goes_through_the_pieces_is_the_same_text(tmp_path):
    """A perfect translation must be able to score 100, whatever the script."""
    lines = [
        *("Die Wohnung hat 80 m² und kostet ½ mehr.", "Er sagte … nichts.", "① Öffnen Sie Ⅳ ﬁnal", "№ 5 ™ ℃ ㎏"),
        *("你好，世界！这是一个测试。", "（全角）ＡＢＣ１２３；：？", "これはテストです。ﾊﾝｶｸ", "wie geht´s"),
        *("می‌خواهم", "ශ්‍රී ලංකාව", "র‍্যাম", "ന‍്യായം", "क्‍ष", "👩‍👩‍👦 reist", "🏳️‍🌈 weht", "a▁b <unk> </s>"),
    ]
    write_lines(tmp_path / "a", (f"{i} {line}" for i, line in enumerate(lines * 20)))
    write_lines(tmp_path / "b", (f"{line} {i}" for i, line in enumerate(lines * 20)))
    options = PrepareOptions(
        "files", source=str(tmp_path / "a"), target=str(tmp_path / "b"), valid=9, test=9, vocab_size=300
    )
    prepare(options, tmp_path / "data")
    model = load_model(tmp_path / "data/sentencepiece.model")
    for name in ("train.en", "train.de", "test.de"):
        text, pieces = (read_lines(tmp_path / "data" / folder / name) for folder in ("text", "pieces"))
        assert [model.decode(line.split()) for line in pieces] == text
    kept = set(read_lines(tmp_path / "data/text/train.de"))
    assert len(kept & {f"{line} {i}" for i, line in enumerate(lines * 20)}) > 0.9 * len(kept)  # all but the ▁


def test_multi30k_at_hand(tmp_path):
    """The real corpus, where the machine has it."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "multi30k"
    if not folder.is_dir():
        pytest.skip("no Multi30k beside the project")
    prepare(PrepareOptions("multi30k", folder=str(folder), pairs=2000, vocab_size=2000), tmp_path)
    manifest = read_json(tmp_path / "manifest.json")
    assert manifest["pairs"] == {"train": 2000, "valid": 1014, "test": 1000}
