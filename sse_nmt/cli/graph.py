"""`sse-nmt graph`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import add_options, command, from_namespace, group_of
from sse_nmt.graphs.options import EmbeddingOptions, PivotOptions, ShowOptions, SpellingOptions
from sse_nmt.runs.paths import RunPaths

_NO_SETTINGS = {"call", "make", "output"}
_STEPS = {
    "build": "build a graph from data and save it to a file",
    "show": "print the neighbours of tokens",
    "fetch-lexicons": "fetch English and German word lists from Debian's packages",
}
_BUILDERS = {
    "pivot": "paraphrases: tokens that are translated alike in a segmented bitext",
    "embeddings": "nearest neighbours by cosine, among a model's embeddings or in a file of vectors",
    "spelling": "one word in other spelling: casing, ▁, umlauts; on request other forms of it",
    "lexicon": "words of a word list, where they are single pieces",
    "edges": "edges of your own",
    "merge": "several graphs as one; of an edge in several the largest weight counts",
}
_DICT = "--dictionary data/bin/dict.en.txt"


def add(commands: Any, text: str) -> None:
    steps = group_of(commands, "graph", text, "step", list(_STEPS.items()))
    builders = group_of(steps, "build", _STEPS["build"], "builder", list(_BUILDERS.items()))
    for add_builder in (_add_pivot, _add_embeddings, _add_spelling, _add_lexicon, _add_edges, _add_merge):
        add_builder(builders)
    show = command(steps, "show", _show, _STEPS["show"], ["sse-nmt graph show pivot.npz house"])
    show.add_argument("graph", metavar="GRAPH", type=Path, help="a graph file")
    show.add_argument("tokens", metavar="TOKEN", nargs="*", help="a token, with or without the ▁ before it")
    add_options(show, ShowOptions)
    name = "fetch-lexicons"
    lists = command(steps, name, _fetch_lexicons, _STEPS[name], ["sse-nmt graph fetch-lexicons lexicons"])
    lists.add_argument("folder", metavar="DIR", type=Path, help="the folder to fill")


def _builder(builders: Any, name: str, make: Any, words: str) -> argparse.ArgumentParser:
    example = f"sse-nmt graph build {name} {name}.npz {_DICT} {words}".rstrip()
    parser = command(builders, name, _build, _BUILDERS[name], [example])
    parser.set_defaults(builder=name, make=make)
    parser.add_argument("output", metavar="OUT", type=Path, help="the graph file to write")
    of_what = parser.add_mutually_exclusive_group(required=True)
    of_what.add_argument(
        "--dictionary", metavar="DICT", type=Path, help="a fairseq dictionary, such as bin/dict.en.txt"
    )
    of_what.add_argument(
        "--data", metavar="DIR", type=Path, help="what `sse-nmt prepare` left: its dictionary and its segmented text"
    )
    parser.add_argument(
        "--only-in", metavar="FILE", type=Path, help="a segmented text: only its tokens take part (default: all do)"
    )
    return parser


def _add_pivot(builders: Any) -> None:
    parser = _builder(builders, "pivot", _pivot, "--source data/pieces/train.en --target data/pieces/train.de")
    parser.add_argument(
        "--source", metavar="FILE", type=Path, help="the segmented source text (default: that of --data)"
    )
    parser.add_argument(
        "--target", metavar="FILE", type=Path, help="the segmented target text (default: that of --data)"
    )
    add_options(parser, PivotOptions)


def _add_embeddings(builders: Any) -> None:
    parser = _builder(builders, "embeddings", _embeddings, f"--checkpoint {RunPaths(Path('runs/baseline')).best}")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--checkpoint", metavar="FILE", type=Path, help="a checkpoint of fairseq, whose embeddings are compared"
    )
    source.add_argument(
        "--vectors", metavar="FILE", type=Path, help="vectors that are compared, in word2vec's text format"
    )
    add_options(parser, EmbeddingOptions)


def _add_spelling(builders: Any) -> None:
    parser = _builder(builders, "spelling", _spelling, "--lemmas-of en,de")
    add_options(parser, SpellingOptions)


def _add_lexicon(builders: Any) -> None:
    parser = _builder(builders, "lexicon", _lexicon, "--words lexicons/english.tsv")
    parser.add_argument("--words", metavar="FILE", type=Path, required=True, help="a word list, `word<TAB>word` a line")


def _add_edges(builders: Any) -> None:
    parser = _builder(builders, "edges", _edges, "--edges edges.tsv")
    parser.add_argument(
        "--edges",
        metavar="FILE",
        type=Path,
        required=True,
        help="a list of edges, `token<TAB>token[<TAB>weight]` a line",
    )
    parser.add_argument(
        "--one-way",
        action="store_true",
        help="the second token replaces the first, but not the other way round (default: off)",
    )


def _add_merge(builders: Any) -> None:
    example = "sse-nmt graph build merge both.npz pivot.npz spelling.npz=0.5"
    parser = command(builders, "merge", _merge, _BUILDERS["merge"], [example])
    parser.add_argument("output", metavar="OUT", type=Path, help="the graph file to write")
    parser.add_argument(
        "graphs", metavar="GRAPH[=WEIGHT]", nargs="+", help="a graph file, and what its weights are multiplied by"
    )


def _build(options: argparse.Namespace) -> None:
    from sse_nmt.graphs.build import write_graph
    from sse_nmt.graphs.candidates import tokens_in
    from sse_nmt.text.dictionary import Vocabulary

    if options.data is not None:
        _take_from(options)
    vocabulary = Vocabulary.read(options.dictionary)
    candidates = None if options.only_in is None else tokens_in(options.only_in, vocabulary)
    matrix, resolver = options.make(options, vocabulary, candidates)
    write_graph(options.output, matrix, vocabulary, _about(options), resolver, candidates)
    print(options.output)


def _take_from(options: argparse.Namespace) -> None:
    """Dictionary and text of a folder that was prepared; what was given beside it stays."""
    from sse_nmt.text.manifest import read_manifest

    languages = read_manifest(options.data)["options"]
    sides = {side: languages[f"{side}_lang"] for side in ("source", "target")}  # type: ignore[literal-required]
    options.dictionary = options.data / "bin" / f"dict.{sides['source']}.txt"
    if options.builder == "pivot":
        for side, language in sides.items():
            given = getattr(options, side)
            setattr(options, side, given or options.data / "pieces" / f"train.{language}")


def _about(options: argparse.Namespace) -> dict[str, Any]:
    given = {name: value for name, value in vars(options).items() if name not in {*_NO_SETTINGS, "builder"}}
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
    return {"builder": options.builder, "options": settings}


def _pivot(options: argparse.Namespace, vocabulary: Any, _: Any) -> tuple[Any, None]:
    from sse_nmt.graphs.pivot import pivot_matrix
    from sse_nmt.system.errors import UserError

    if options.source is None or options.target is None:
        raise UserError("A pivot graph needs `--data`, or both `--source` and `--target`.")
    return pivot_matrix(options.source, options.target, vocabulary, from_namespace(PivotOptions, options)), None


def _embeddings(options: argparse.Namespace, vocabulary: Any, candidates: Any) -> tuple[Any, Any]:
    from sse_nmt.graphs.embeddings import embedding_matrix

    rows = [row for row in vocabulary.words if candidates is None or candidates[row]]
    settings = from_namespace(EmbeddingOptions, options)
    return embedding_matrix(options.checkpoint, options.vectors, vocabulary, rows, settings)


def _spelling(options: argparse.Namespace, vocabulary: Any, _: Any) -> tuple[Any, None]:
    from sse_nmt.graphs.spelling import spelling_matrix

    return spelling_matrix(vocabulary, from_namespace(SpellingOptions, options)), None


def _lexicon(options: argparse.Namespace, vocabulary: Any, _: Any) -> tuple[Any, Any]:
    from sse_nmt.graphs.lexicon import lexicon_matrix

    return lexicon_matrix(options.words, vocabulary)


def _edges(options: argparse.Namespace, vocabulary: Any, _: Any) -> tuple[Any, Any]:
    from sse_nmt.graphs.edges import edges_matrix

    return edges_matrix(options.edges, vocabulary, options.one_way)


def _merge(options: argparse.Namespace) -> None:
    from sse_nmt.graphs.build import write_merged

    write_merged(options.output, [_weighted(word) for word in options.graphs])
    print(options.output)


def _weighted(word: str) -> tuple[Path, float]:
    """GRAPH or GRAPH=WEIGHT; a file may have = in its name."""
    path, _, weight = word.rpartition("=")
    try:
        return (Path(word), 1.0) if not path or Path(word).exists() else (Path(path), float(weight))
    except ValueError:
        return Path(word), 1.0


def _show(options: argparse.Namespace) -> None:
    from sse_nmt.graphs.show import show_graph

    for line in show_graph(options.graph, options.tokens, from_namespace(ShowOptions, options)):
        print(line)


def _fetch_lexicons(options: argparse.Namespace) -> None:
    from sse_nmt.graphs.word_lists import fetch_word_lists

    for path, pairs in fetch_word_lists(options.folder):
        print(f"{path}: {pairs:,} pairs")
