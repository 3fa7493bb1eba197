"""`sse-nmt prepare wmt14-en-de` against a server on 127.0.0.1: what it makes of the text, faults, and being killed."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import re
import shutil
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import newstest_cache
import pytest
from conftest import read_json, run_command, sse_nmt
from file_server import FileServer, serving
from killed_processes import killed_in
from wmt14_archives import GOOD, KEPT, READ, REMOVED, write_archive, write_archives

from sse_nmt.cli import build_parser
from sse_nmt.corpora.catalogue import options_for
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.prepare import prepare
from sse_nmt.corpora.wmt14_en_de import ARCHIVES
from sse_nmt.system import download as download_module
from sse_nmt.system.atomic_files import read_lines, sha256_of, write_json
from sse_nmt.system.errors import UserError
from sse_nmt.system.locks import folder_lock
from sse_nmt.system.machine import cores
from sse_nmt.text.cleaning import what_was_removed
from sse_nmt.text.subwords import Segmenter, load_model

FETCHES = [f"{verb}-{archive.name}" for archive in ARCHIVES for verb in ("fetch", "unpack")]
STEPS = [*FETCHES, "clean", "duplicates", "learn", "segment", "fingerprint"]
FETCH_TITLES = [f"{verb} {archive.name}" for archive in ARCHIVES for verb in ("Fetching", "Unpacking")]
PATHS = [f"/{archive.path}" for archive in ARCHIVES]
EUROPARL = ARCHIVES[0]
SIDES = list(enumerate(("en", "de")))


@pytest.fixture(scope="module", autouse=True)
def no_pause() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download_module, "_PAUSE", 0)
        yield


@dataclass(frozen=True)
class Result:
    folder: Path
    options: PrepareOptions
    server: FileServer
    requests: list[tuple[str, str | None]]
    said: str


def options_of(mirror: str, **given: object) -> PrepareOptions:
    return options_for("wmt14-en-de", {"mirror": mirror, **given})


def prepare_and_listen(options: PrepareOptions, folder: Path) -> str:
    """What it says on standard error."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        prepare(options, folder)
    return said.getvalue()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Result]:
    """The good case, but for one connection that breaks half-way."""
    mirror, folder = tmp_path_factory.mktemp("mirror"), tmp_path_factory.mktemp("wmt14")
    write_archives(mirror)
    with serving(mirror) as server:
        server.cuts[PATHS[1]] = 1
        options = options_of(f"{server.url}/", vocab_size=60, sample=100, max_length=100, max_ratio=3.0)
        said = prepare_and_listen(options, folder)
        yield Result(folder, options, server, list(server.requests), said)


def test_a_connection_that_breaks_half_way_is_taken_up_again(prepared):
    half = (prepared.server.folder / ARCHIVES[1].path).stat().st_size // 2
    assert prepared.requests == [(PATHS[0], None), (PATHS[1], None), (PATHS[1], f"bytes={half}-"), (PATHS[2], None)]


def test_the_text_is_the_good_pairs_in_order_and_newstest(prepared):
    splits = {"train": GOOD, "valid": newstest_cache.pairs(2013), "test": newstest_cache.pairs(2014)}
    model = load_model(prepared.folder / "sentencepiece.model")
    for split, pairs in splits.items():
        for side, language in SIDES:
            lines = [pair[side] for pair in pairs]
            assert read_lines(prepared.folder / f"text/{split}.{language}") == lines
            segmented = [" ".join(model.encode(line, out_type=str)) for line in lines]
            assert read_lines(prepared.folder / f"pieces/{split}.{language}") == segmented
    assert not list(prepared.folder.rglob("*.part*"))


def token_counts(folder: Path) -> dict[str, list[int]]:
    """Corpus -> source and target tokens of what is kept of it, counted sentence by sentence."""
    model = load_model(folder / "sentencepiece.model")
    return {name: [sum(len(model.encode(pair[side])) for pair in kept) for side, _ in SIDES]
            for name, kept in KEPT.items()}  # fmt: skip


def share_unknown(folder: Path) -> float:
    """Of newstest2014, where one letter is unknown and stands there once."""
    words = [word for _, language in SIDES for line in read_lines(folder / f"pieces/test.{language}")
             for word in line.split()]  # fmt: skip
    assert words.count("q") == 1
    return 1 / len(words)


def test_the_manifest_has_the_counts(prepared):
    folder = prepared.folder
    manifest = read_json(folder / "manifest.json")
    tokens = token_counts(folder)
    assert manifest["corpora"] == {
        name: {"read": READ[name], "pairs": len(KEPT[name]), "source_tokens": source, "target_tokens": target}
        for name, (source, target) in tokens.items()
    }
    assert manifest["removed"] == REMOVED
    assert manifest["pairs"] == {"train": 106, "valid": 6, "test": 6}
    assert sum(READ.values()) == 106 + sum(REMOVED.values())
    assert manifest["unknown"] == {"train": 0, "valid": 0, "test": pytest.approx(share_unknown(folder))}
    assert manifest["options"] == read_json(folder / "preparing.json") == prepared.options.recorded()
    assert manifest["fingerprint"] == sha256_of(sorted((folder / "pieces").iterdir()))
    assert list(manifest["seconds"]) == STEPS and all(seconds >= 0 for seconds in manifest["seconds"].values())


def test_the_table_says_what_became_of_the_text(prepared):
    numbers = [(name, READ[name], len(kept), *token_counts(prepared.folder)[name]) for name, kept in KEPT.items()]
    in_all = [sum(column) for column in list(zip(*numbers, strict=True))[1:]]
    unknown = f"{share_unknown(prepared.folder):.4%}"
    expected = [
        ["corpus", "pairs read", "trained on", "source tokens", "target tokens"],
        *([name, *(f"{number:,}" for number in rest)] for name, *rest in (*numbers, ("in all", *in_all))),
        [],
        ["removed", "pairs"],
        *([rule, str(count)] for rule, count in REMOVED.items()),
        ["characters that nobody sees", "2"],
        [],
        ["split", "pairs", "unknown tokens"],
        *(["train", "106", "0.0000%"], ["valid", "6", "0.0000%"], ["test", "6", unknown]),
        [],
        ["step", "seconds"],
        *([title] for title in FETCH_TITLES),
        *(["Cleaning"], ["Finding duplicates"], ["Training a SentencePiece model of up to 60 pieces on 100 pairs"]),
        *(["Segmenting and binarising"], ["Taking a fingerprint"]),
    ]
    table = prepared.said[prepared.said.index("corpus  ") :].splitlines()
    rows = [re.split(" {2,}", line.strip()) if line else [] for line in table]
    steps = expected.index(["step", "seconds"]) + 1
    assert rows[:steps] == expected[:steps]
    assert [row[:1] for row in rows[steps:]] == expected[steps:]
    assert all(re.fullmatch(r"\d+\.\d", row[1]) for row in rows[steps:])


def test_the_dictionary_is_the_set_of_pieces_that_train(prepared):
    folder = prepared.folder
    lines = [line.split(" ") for line in read_lines(folder / "bin/dict.en.txt")]
    assert (folder / "bin/dict.de.txt").read_bytes() == (folder / "bin/dict.en.txt").read_bytes()
    words = [word for word, _ in lines]
    fillers = [word for word in words if word.startswith("madeupword")]
    assert (len(words) + 4) % 8 == 0 and len(fillers) < 8  # fairseq adds four special symbols
    assert words[len(words) - len(fillers) :] == fillers
    counted = Counter(word for _, language in SIDES for line in read_lines(folder / f"pieces/train.{language}")
                      for word in line.split())  # fmt: skip
    counts = [int(count) for _, count in lines]
    assert counts == [counted[word] for word in words] and counts == sorted(counts, reverse=True)
    assert (
        set(words) - set(fillers) == set(counted) <= set(Segmenter(load_model(folder / "sentencepiece.model")).pieces)
    )
    assert len(words) == len(set(words))


def test_the_binary_data_are_the_pieces(prepared):
    from fairseq.data import Dictionary, indexed_dataset

    for split in ("train", "valid", "test"):
        for _, language in SIDES:
            dictionary = Dictionary.load(str(prepared.folder / f"bin/dict.{language}.txt"))
            data = indexed_dataset.make_dataset(str(prepared.folder / f"bin/{split}.en-de.{language}"), "mmap")
            pieces = [line.split() for line in read_lines(prepared.folder / f"pieces/{split}.{language}")]
            back = [[dictionary[int(number)] for number in data[i]] for i in range(len(data))]
            known = set(dictionary.symbols)
            assert back == [[*(word if word in known else "<unk>" for word in line), "</s>"] for line in pieces]


def test_the_checksums_are_those_of_the_archives(prepared):
    checked = run_command("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=prepared.folder / "raw")
    assert checked.returncode == 0 and checked.stdout.count(": OK\n") == 3, checked.stderr
    served = [prepared.server.folder / archive.path for archive in ARCHIVES]
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in served}
    assert read_json(prepared.folder / "manifest.json")["inputs"] == sums


def states(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_second_start_does_nothing(prepared):
    before = states(prepared.folder)
    prepared.server.requests.clear()
    said = prepare_and_listen(prepared.options, prepared.folder)
    assert prepared.server.requests == [] and states(prepared.folder) == before
    lines = said[: said.index("corpus  ")].splitlines()
    assert len(lines) == len(STEPS) and all(": done before, in " in line for line in lines)
    assert said[said.index("corpus  ") :] == prepared.said[prepared.said.index("corpus  ") :]


@pytest.fixture
def copied(prepared: Result, tmp_path: Path) -> Path:
    """A copy of the prepared folder, with the times of its files."""
    return Path(shutil.copytree(prepared.folder, tmp_path / "copied"))


def test_another_mirror_is_no_other_text(prepared, copied):
    before = states(copied / "steps")
    prepare_and_listen(replace(prepared.options, mirror="http://127.0.0.1:9"), copied)
    assert states(copied / "steps") == before


@pytest.mark.parametrize(("name", "now"), [("vocab_size", 70), ("seed", 0), ("max_ratio", 1.5), ("sample", 99)])
def test_other_options_are_not_mixed_in(prepared, name, now):
    before = states(prepared.folder)
    with pytest.raises(UserError) as error:
        prepare(replace(prepared.options, **{name: now}), prepared.folder)
    flag, then = f"--{name.replace('_', '-')}", getattr(prepared.options, name)
    assert str(error.value) == (
        f"{prepared.folder} was prepared with `{flag}` {then}, not {now}: choose another folder or remove this one."
    )
    assert states(prepared.folder) == before


def test_a_folder_in_use(prepared):
    with folder_lock(prepared.folder, "preparation"), pytest.raises(UserError) as error:
        prepare(prepared.options, prepared.folder)
    assert str(error.value) == f"{prepared.folder} is in use by another preparation: wait for it or stop it."


def test_an_archive_that_changed_since_its_checksum_was_recorded(prepared, copied):
    """Here, and then at the server."""
    path = copied / "raw" / Path(EUROPARL.path).name
    recorded = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(gzip.compress(b"other"))
    other = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(UserError) as error:
        prepare(prepared.options, copied)
    assert str(error.value) == f"{path} must have the SHA-256 {recorded}, but has {other} instead."
    mirror = copied.parent / "mirror"
    (mirror / "wmt13").mkdir(parents=True)
    shutil.move(path, mirror / EUROPARL.path)
    with serving(mirror) as server, pytest.raises(UserError) as error:
        prepare(replace(prepared.options, mirror=server.url), copied)
    assert str(error.value) == (
        f"{server.url}/{EUROPARL.path} must have the SHA-256 {recorded}, but has {other} instead."
    )
    assert not path.exists() and (copied / "manifest.json").exists()  # what was made of it is still whole


# What is left when the process is killed, and what the next one does with it.

USUAL_MOMENTS = ["before its output", "before its record"]
MOMENTS = {
    "clean": ["amid its work", "before its record"],
    "segment": ["amid its work", *USUAL_MOMENTS],
    "fingerprint": ["before its record"],
}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_killed_in_every_step_and_started_again_it_comes_to_the_same(real_processes, prepared, tmp_path):
    server, folder, log = prepared.server, tmp_path / "wmt14", tmp_path / "log"
    server.requests.clear()
    for name, moment in ((step, moment) for step in STEPS for moment in MOMENTS.get(step, USUAL_MOMENTS)):
        recorded = len(list((folder / "steps").glob("*.json")))
        others = killed_in(name, moment, lambda: prepare(prepared.options, folder), log)
        assert log.read_text(encoding="utf-8").count(": done before, in ") == recorded
        assert {path.stem for path in (folder / "steps").glob("*.json")} == set(STEPS[: STEPS.index(name)])
        assert not (folder / "manifest.json").exists()
        if moment == "amid its work":
            assert others > 0 or cores() == 1  # workers, which are no more
    assert prepare_and_listen(prepared.options, folder).count(": done before, in ") == len(STEPS) - 1
    # Each archive came whole in the first attempt; the second asked whether there is more, the third did not ask.
    sizes = [(path, (server.folder / path[1:]).stat().st_size) for path in PATHS]
    assert server.requests == [each for path, size in sizes for each in ((path, None), (path, f"bytes={size}-"))]
    assert not list(folder.rglob("*.part*"))
    assert contents(folder) == contents(prepared.folder)
    ours, theirs = ({**read_json(each / "manifest.json"), "seconds": 0} for each in (folder, prepared.folder))
    assert ours == theirs


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file but those that hold times or paths."""
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {path: (folder / path).read_bytes() for path in paths if path.parts[0] != "steps" and path.name not in
            ("manifest.json",)}  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_change_has_the_steps_after_it_done_again(real_processes, prepared, copied, tmp_path):
    """And the manifest, which says that all is complete, is not there meanwhile."""
    os.utime(copied / "clean/first")
    killed_in("fingerprint", "before its record", lambda: prepare(prepared.options, copied), tmp_path / "log")
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    before = [line.partition(":")[0] for line in lines if ": done before, in " in line]
    assert before == [*FETCH_TITLES, "Cleaning"]
    assert [line for line in lines if line.endswith(" …")] == [
        "Finding duplicates …", "Training a SentencePiece model of up to 60 pieces on 100 pairs …",
        "Segmenting and binarising …", "Taking a fingerprint …",
    ]  # fmt: skip
    assert not (copied / "manifest.json").exists()
    assert sha256_of(sorted((copied / "pieces").iterdir())) == sha256_of(sorted((prepared.folder / "pieces").iterdir()))


# Faults: one sentence each, and nothing left under a name that it does not deserve.


@pytest.fixture
def server(prepared: Result, tmp_path: Path) -> Iterator[FileServer]:
    """A server of its own, for a test to spoil."""
    with serving(Path(shutil.copytree(prepared.server.folder, tmp_path / "mirror"))) as server:
        yield server


def refusal(server: FileServer, folder: Path, **options: object) -> str:
    """The sentence that it ends with."""
    with pytest.raises(UserError) as error:
        prepare(replace(options_of(server.url, vocab_size=60, max_ratio=3.0), **options), folder)
    assert not list(folder.glob("manifest*"))
    return str(error.value)


def test_an_archive_cut_at_the_server(server, tmp_path):
    path = server.folder / EUROPARL.path
    path.write_bytes(path.read_bytes()[:-100])
    assert refusal(server, tmp_path / "out") == (
        f"{tmp_path}/out/raw/{path.name} must be a whole .tgz archive, but cannot be read: "
        "Compressed file ended before the end-of-stream marker was reached."
    )
    assert list((tmp_path / "out/raw").iterdir()) == []


def test_fewer_bytes_than_announced_and_then_a_missing_file(server, tmp_path):
    url, size = f"{server.url}{PATHS[0]}", (server.folder / EUROPARL.path).stat().st_size
    server.cuts[PATHS[0]] = 1000  # half of what is left, each time
    received = 0
    for _ in range(1 + PrepareOptions.retries):  # none brings as much as counts
        received += (size - received) // 2
    assert refusal(server, tmp_path / "out") == f"{url} must have {size} bytes, but was cut short after {received}."
    server.cuts.clear()
    (server.folder / ARCHIVES[1].path).unlink()
    assert refusal(server, tmp_path / "out") == f"{server.url}{PATHS[1]} cannot be downloaded: Not Found."
    assert server.requests[-2:] == [(PATHS[0], f"bytes={received}-"), (PATHS[1], None)]
    name = Path(EUROPARL.path).name
    assert sorted(path.name for path in (tmp_path / "out/raw").iterdir()) == ["SHA256SUMS", name]


def test_an_answer_of_the_wrong_kind_binds_nobody(server, tmp_path):
    """A page of a portal in place of an archive: another mirror may have the right one."""
    path, page = server.folder / EUROPARL.path, gzip.compress(b"<html>Please log in.</html>" * 100)
    good = path.read_bytes()
    path.write_bytes(page)
    assert "must be a whole .tgz archive" in refusal(server, tmp_path / "out")
    assert not (tmp_path / "out/raw/SHA256SUMS").exists()
    path.write_bytes(good)
    prepare(options_of(server.url, vocab_size=60, max_ratio=3.0), tmp_path / "out")
    assert len(read_lines(tmp_path / "out/raw/SHA256SUMS")) == len(ARCHIVES)


def test_a_password_is_not_kept_and_no_other_mirror_either(server, tmp_path):
    url = server.url.replace("http://", "http://me:secret@")
    options = options_of(url, vocab_size=60, max_ratio=3.0)
    prepare(options, tmp_path / "out")
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert files and not [path for path in files if b"secret" in path.read_bytes()]
    assert read_json(tmp_path / "out/manifest.json")["options"]["mirror"] == server.url
    prepare(options_of("http://127.0.0.1:9", timeout=1, vocab_size=60, max_ratio=3.0), tmp_path / "out")  # done before


def member(name: str, link: str | None = None) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    if link is not None:
        info.type, info.linkname = tarfile.SYMTYPE, link
    return info


@pytest.mark.parametrize("place", ["../evil", "training/../../evil", "/evil"])
def test_a_member_that_points_outside(server, tmp_path, place):
    name = f"{tmp_path}{place}" if place == "/evil" else place
    write_archive(server.folder, EUROPARL, b"a\n", b"b\n", [member(name)])
    archive = tmp_path / "out/raw" / Path(EUROPARL.path).name
    assert refusal(server, tmp_path / "out") == (
        f"{archive} must hold files of its own folder only, but holds {name!r}."
    )
    assert not list(tmp_path.rglob("evil"))


def test_a_link_in_place_of_a_text(server, tmp_path):
    text = f"{EUROPARL.members}.en"
    write_archive(server.folder, EUROPARL, None, b"b\n", [member(text, link="/etc/passwd")])
    archive = tmp_path / "out/raw" / Path(EUROPARL.path).name
    assert refusal(server, tmp_path / "out") == f"{archive} must hold {text} as a plain file, but it is something else."
    assert not (tmp_path / "out/unpacked/europarl-v7.en").exists()


def test_a_text_that_is_not_there(server, tmp_path):
    write_archive(server.folder, EUROPARL, b"a\n", None)
    archive = tmp_path / "out/raw" / Path(EUROPARL.path).name
    assert refusal(server, tmp_path / "out") == f"{archive} must hold {EUROPARL.members}.de, but does not."


def test_sides_of_different_length(server, tmp_path):
    write_archive(server.folder, EUROPARL, b"a\n" * 3, b"b\nb")
    archive, text = tmp_path / "out/raw" / Path(EUROPARL.path).name, EUROPARL.members
    assert refusal(server, tmp_path / "out") == (
        f"{archive} must hold as many lines of {text}.en as of {text}.de, but holds 3 and 2."
    )


def test_something_that_is_no_archive(server, tmp_path):
    (server.folder / EUROPARL.path).write_bytes(gzip.compress(b"Not a tar archive. " * 100))
    archive = tmp_path / "out/raw" / Path(EUROPARL.path).name
    assert (
        refusal(server, tmp_path / "out")
        == f"{archive} must be a whole .tgz archive, but cannot be read: invalid header."
    )


def test_nothing_left_to_train_on(server, tmp_path):
    rest = "The training text must hold at least one pair, but none is left after cleaning:"
    strict = refusal(server, tmp_path / "strict", max_length=1)
    before = sorted((rule, count) for rule, count in REMOVED.items() if rule not in ("length", "ratio"))
    counts = dict(before) | {"length": 1 + REMOVED["ratio"] + sum(map(len, KEPT.values()))}
    assert strict == f"{rest} {what_was_removed(counts)}."
    for archive in ARCHIVES:
        write_archive(server.folder, archive, b"same\n\n", b"same\nleer\n")
    assert refusal(server, tmp_path / "empty") == f"{rest} empty 3, untranslated 3."


def test_somebody_else_s_folder(server, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").touch()
    assert refusal(server, tmp_path / "out") == (
        f"{tmp_path}/out must be empty or of our own making, but holds thesis.txt and no preparing.json."
    )
    (tmp_path / "out/thesis.txt").unlink()
    write_json(tmp_path / "out/preparing.json", {"corpus": "files"})
    (server.folder / EUROPARL.path).unlink()
    assert refusal(server, tmp_path / "out").endswith(f"{PATHS[0]} cannot be downloaded: Not Found.")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["wmt14-en-de", "--valid", "5"], "`--valid` is no option of the corpus wmt14-en-de."),
        (["wmt14-en-de", "--test", "5", "--valid", "5"], "`--test` is no option of the corpus wmt14-en-de."),
        (["wmt14-en-de", "--from", "."], "`--from` is no option of the corpus wmt14-en-de."),
        (["wmt14-en-de", "--source-lang", "de"], "`--source-lang` is no option of the corpus wmt14-en-de."),
        (["wmt14-en-de", "--sample", "0"], "`--sample` must be at least 1, but is 0 instead."),
        (["wmt14-en-de", "--vocab-size", "0"], "`--vocab-size` must be at least 1, but is 0 instead."),
        (["wmt14-en-de", "--max-length", "0"], "`--max-length` must be at least 1, but is 0 instead."),
        (["wmt14-en-de", "--max-ratio", "nan"], "`--max-ratio` must be at least 1, but is nan instead."),
    ],
)
def test_options_that_are_refused(words, sentence, tmp_path):
    corpus, *rest = words
    options = build_parser().parse_args(["prepare", corpus, str(tmp_path / "out"), *rest])
    with pytest.raises(UserError) as error:
        options.call(options)
    assert str(error.value) == sentence and not (tmp_path / "out").exists()


def test_no_test_sets_and_no_network(server, tmp_path):
    """Through the command line: sacreBLEU looks for its cache when it is imported."""
    nowhere = {**os.environ, "SACREBLEU": str(tmp_path / "cache"), "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    done = sse_nmt("prepare", "wmt14-en-de", tmp_path / "out", "--mirror", server.url, env=nowhere)
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == (
        "sse-nmt: wmt08 cannot be had from sacreBLEU (<urlopen error [Errno 111] Connection refused>): "
        "point `SACREBLEU` at a folder that has it."
    )
    assert server.requests == [] and "Traceback" not in done.stderr
