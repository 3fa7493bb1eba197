"""`sse-nmt graph`: every builder by its command, and what it leaves and says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import NO_OPTIONS, refused, sse_nmt, sse_nmt_here
from small_graphs import vocabulary

from sse_nmt.cli import build_parser
from sse_nmt.graphs.graph_file import load_graph
from sse_nmt.system.atomic_files import write_lines

WORDS = vocabulary("▁big", "▁Big", "▁large", "▁groß", "▁gross")
COVERED = "rows with neighbours, mean degree"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    named = list(zip(WORDS.tokens, WORDS.counts, strict=True))[4:]
    write_lines(tmp_path / "dict.txt", [f"{token} {count}" for token, count in named])
    write_lines(tmp_path / "edges.tsv", ["▁big\t▁large\t0.5", "▁big\t▁huge"])
    write_lines(tmp_path / "words.tsv", ["big\tlarge", "large\tgroß"])
    write_lines(tmp_path / "vectors.txt", ["▁big 1 1", "▁large 1 2", "▁huge 1 3"])
    write_lines(tmp_path / "text.en", ["▁big ▁Big ▁large"])
    table = torch.eye(9, 4) + torch.eye(9)[:, [8, 8, 8, 8]]  # rows without any length, and one word's
    table[4:6, 0] = 1.0  # and two that are alike
    torch.save({"model": {"encoder.embed_tokens.weight": table}, "cfg": NO_OPTIONS}, tmp_path / "checkpoint.pt")
    return tmp_path


def run(*words: str) -> None:
    options = build_parser().parse_args(["graph", *words])
    options.call(options)


@pytest.mark.parametrize(
    ("words", "edges", "said"),
    [
        ("edges --edges edges.tsv", 2, ["2 of 3 tokens are in the dictionary, but not ▁huge"]),
        ("edges --edges edges.tsv --one-way", 1, ["2 of 3 tokens are in the dictionary, but not ▁huge"]),
        ("lexicon --words words.tsv", 4, ["3 of 3 words are single pieces"]),
        ("lexicon --words words.tsv --only-in text.en", 2, ["3 of 3 words are single pieces"]),
        ("embeddings --vectors vectors.txt", 2, ["2 of 3 tokens are in the dictionary, but not ▁huge"]),
        ("embeddings --checkpoint checkpoint.pt --max-neighbours 1 --min-weight 0.6", 2, []),
        ("spelling", 4, []),
        ("spelling --only-in text.en", 2, []),
    ],
)
def test_each_builder_leaves_a_graph_and_says_how_far_it_reaches(folder, capsys, words, edges, said):
    builder, *options = words.split()
    run("build", builder, "graph.npz", "--dictionary", "dict.txt", *options)
    output, errors = capsys.readouterr()
    assert output == "graph.npz\n"
    assert errors.splitlines()[:-1] == said and COVERED in errors.splitlines()[-1]
    file = load_graph(folder / "graph.npz")
    assert file.graph.edges == edges and file.tokens == WORDS.tokens
    only_in = "text.en" if "--only-in" in options else None
    assert (file.graph.candidates is None) == (only_in is None)
    assert file.about["builder"] == builder
    assert file.about["options"].items() >= {"dictionary": "dict.txt", "only_in": only_in}.items()
    assert {"output", "make", "call"}.isdisjoint(file.about["options"])
    assert not said or file.about["known"] + file.about["unknown"] == 3


def test_nearest_neighbours_are_sought_among_those_that_take_part(folder, capsys):
    """▁Big is nearer, but does not stand in the text."""
    write_lines(folder / "vectors.txt", ["▁big 1 1", "▁Big 1 1.1", "▁large 1 2"])
    write_lines(folder / "text.en", ["▁big ▁large"])
    for words, neighbour in ([], "▁Big"), (["--only-in", "text.en"], "▁large"):
        run(
            "build",
            "embeddings",
            "g",
            "--dictionary",
            "dict.txt",
            "--vectors",
            "vectors.txt",
            "--max-neighbours",
            "1",
            *words,
        )
        capsys.readouterr()
        run("show", "g", "▁big")
        assert capsys.readouterr().out.splitlines()[-1].split()[1] == neighbour


def test_a_graph_without_an_edge_is_refused(folder, capsys):
    write_lines(folder / "edges.tsv", [])
    said = refused(
        capsys, "graph", "build", "edges", "g", "--dictionary", "dict.txt", "--edges", "edges.tsv", after_news=True
    )
    assert said.startswith("g must get at least one edge, but no token of the dictionary has a neighbour")
    assert not (folder / "g").exists()


def test_pivot_takes_its_options(folder, monkeypatch, capsys):
    from sse_nmt.graphs import pivot
    from sse_nmt.graphs.weighted_edges import matrix_of

    seen = []
    monkeypatch.setattr(pivot, "pivot_matrix", lambda *given: seen.append(given) or matrix_of(9, [4], [5], [1]))
    run("build", "pivot", "g", "--dictionary", "dict.txt", "--source", "a", "--target", "b", "--side", "source",
        "--max-neighbours", "3", "--min-weight", "0.5", "--sample", "7", "--seed", "0")  # fmt: skip
    assert seen == [(Path("a"), Path("b"), WORDS, pivot.PivotOptions("source", 3, 0.5, 7, 0))]


@pytest.mark.parametrize("name", ["b", "a=b"])
def test_merge_takes_weights(folder, capsys, name):
    run("build", "edges", "a", "--dictionary", "dict.txt", "--edges", "edges.tsv")
    run("build", "spelling", name, "--dictionary", "dict.txt")
    capsys.readouterr()
    run("build", "merge", "merged", "a=0.5", name)
    output, errors = capsys.readouterr()
    assert (output, errors) == ("merged\n", "5 of 9 rows with neighbours, mean degree 1.2\n")
    run("show", "merged", "big", "--max-neighbours", "1")
    assert capsys.readouterr().out.splitlines()[1:] == ["▁big: 2 neighbours, the closest 1", "  1.000  ▁Big"]
    assert [part["weight"] for part in load_graph(folder / "merged").about["graphs"]] == [0.5, 1.0]


def test_the_whole_way_from_a_shell(folder):
    built = sse_nmt("graph", "build", "edges", "graph.npz", "--dictionary", "dict.txt", "--edges", "edges.tsv")
    assert (built.returncode, built.stdout) == (0, "graph.npz\n")
    assert built.stderr == (
        "2 of 3 tokens are in the dictionary, but not ▁huge\n"
        "2 of 5 rows with neighbours, mean degree 1.0, 26.7% of running tokens covered\n"
    )
    shown = sse_nmt("graph", "show", "graph.npz", "big", "huge")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr == (
        "sse-nmt: A token must stand in graph.npz, as it is or with ▁ before it, but is 'huge' instead.\n"
    )


def test_all_of_a_prepared_folder(toy_data, tmp_path, capsys):
    """In place of its dictionary and text, one by one."""
    files = ["--source", toy_data / "pieces/train.en", "--target", toy_data / "pieces/train.de"]
    sse_nmt_here("graph", "build", "pivot", tmp_path / "a.npz", "--dictionary", toy_data / "bin/dict.en.txt", *files)
    sse_nmt_here("graph", "build", "pivot", tmp_path / "b.npz", "--data", toy_data)
    one, other = (load_graph(tmp_path / name) for name in ("a.npz", "b.npz"))
    assert one.tokens == other.tokens and one.graph.neighbours.equal(other.graph.neighbours)
    assert other.about["options"]["source"] == str(files[1])
    said = refused(capsys, "graph", "build", "pivot", tmp_path / "c.npz", "--dictionary", toy_data / "bin/dict.en.txt")
    assert said == "A pivot graph needs `--data`, or both `--source` and `--target`."
