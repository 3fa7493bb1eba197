"""`sse-nmt graph`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import command, option, take
from sse_nmt.graphs.options import PARTS, SIDES, EmbeddingOptions, PivotOptions, ShowOptions, SpellingOptions

_NO_SETTINGS = {"call", "make", "output"}


def add(commands: Any) -> None:
    parser = commands.add_parser("graph", help="build and show knowledge graphs over a vocabulary, for SSE-Graph")
    steps = parser.add_subparsers(title="steps", metavar="STEP", required=True)
    build = steps.add_parser("build", help="a graph from data, saved to a file")
    builders = build.add_subparsers(title="builders", metavar="BUILDER", required=True)
    for add_builder in (_add_pivot, _add_embeddings, _add_spelling, _add_lexicon, _add_edges, _add_merge):
        add_builder(builders)
    show = command(steps, "show", _show, "print the neighbours of tokens")
    show.add_argument("graph", metavar="GRAPH", type=Path, help="a graph file")
    show.add_argument("tokens", metavar="TOKEN", nargs="*", help="a token, with or without the ▁ before it")
    option(show, ShowOptions(), "top", "most neighbours of a token that are printed", int)
    lists = command(
        steps, "fetch-lexicons", _fetch_lexicons, "fetch English and German word lists from Debian's packages"
    )
    lists.add_argument("folder", metavar="DIR", type=Path, help="the folder to fill")


def _builder(builders: Any, name: str, make: Any, text: str) -> argparse.ArgumentParser:
    parser = command(builders, name, _build, text)
    parser.set_defaults(builder=name, make=make)
    parser.add_argument("output", metavar="OUT", type=Path, help="the graph file")
    parser.add_argument("--dictionary", metavar="DICT", type=Path, required=True, help="a fairseq dictionary")
    parser.add_argument("--only-in", metavar="FILE", type=Path, help="a segmented text: only its tokens take part")
    return parser


def _add_pivot(builders: Any) -> None:
    parser = _builder(builders, "pivot", _pivot, "paraphrases: tokens that are translated alike in a segmented bitext")
    parser.add_argument("--source", metavar="FILE", type=Path, required=True, help="the segmented source text")
    parser.add_argument("--target", metavar="FILE", type=Path, required=True, help="the segmented target text")
    option(parser, PivotOptions(), "side", f"whose tokens become neighbours: {', '.join(SIDES)}", metavar="SIDE")
    option(parser, PivotOptions(), "top", "most neighbours of a token", int)
    option(parser, PivotOptions(), "least", "least probability of a paraphrase", float)
    option(parser, PivotOptions(), "sample", "most pairs that are aligned", int)
    option(parser, PivotOptions(), "seed", "seed of the choice of pairs", int)


def _add_embeddings(builders: Any) -> None:
    parser = _builder(builders, "embeddings", _embeddings, "nearest neighbours by cosine, of a model or in vectors")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", metavar="FILE", type=Path, help="a checkpoint of fairseq")
    source.add_argument("--vectors", metavar="FILE", type=Path, help="vectors in word2vec's text format")
    parser.add_argument("--of-words", action="store_true", help="the vectors are those of words, without ▁")
    option(
        parser, EmbeddingOptions(), "part", f"whose embeddings in the checkpoint: {', '.join(PARTS)}", metavar="PART"
    )
    option(parser, EmbeddingOptions(), "top", "most neighbours of a token", int)
    option(parser, EmbeddingOptions(), "least", "a neighbour's cosine is above it", float)


def _add_spelling(builders: Any) -> None:
    parser = _builder(
        builders, "spelling", _spelling, "one word in other spelling: casing, ▁, umlauts; on request lemmas"
    )
    option(parser, SpellingOptions(), "accent_weight", "weight of a word without its accents, a for ä", float)
    option(
        parser,
        SpellingOptions(),
        "lemmas_of",
        "languages whose words of one lemma are neighbours too",
        metavar="LANG,…",
    )
    option(parser, SpellingOptions(), "lemma_weight", "weight of these", float)


def _add_lexicon(builders: Any) -> None:
    parser = _builder(builders, "lexicon", _lexicon, "words of a word list, where they are single pieces")
    parser.add_argument("--words", metavar="FILE", type=Path, required=True, help="lines `word<TAB>word`")


def _add_edges(builders: Any) -> None:
    parser = _builder(builders, "edges", _edges, "edges of your own")
    parser.add_argument(
        "--edges", metavar="FILE", type=Path, required=True, help="lines `token<TAB>token[<TAB>weight]`"
    )
    parser.add_argument("--one-way", action="store_true", help="the first token is replaced by the second alone")


def _add_merge(builders: Any) -> None:
    parser = command(
        builders, "merge", _merge, "several graphs as one; of an edge in several the largest weight counts"
    )
    parser.add_argument("output", metavar="OUT", type=Path, help="the graph file")
    parser.add_argument(
        "graphs", metavar="GRAPH[=WEIGHT]", nargs="+", help="a graph file, and what its weights are multiplied by"
    )


def _build(options: argparse.Namespace) -> None:
    from sse_nmt.graphs.build import write_graph
    from sse_nmt.graphs.taking_part import tokens_in
    from sse_nmt.graphs.vocabulary import Vocabulary

    vocabulary = Vocabulary.read(options.dictionary)
    taking_part = None if options.only_in is None else tokens_in(options.only_in, vocabulary)
    matrix, lookup = options.make(options, vocabulary, taking_part)
    write_graph(options.output, matrix, vocabulary, _about(options), lookup, taking_part)
    print(options.output)


def _about(options: argparse.Namespace) -> dict[str, Any]:
    given = {name: value for name, value in vars(options).items() if name not in {*_NO_SETTINGS, "builder"}}
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
    return {"builder": options.builder, "options": settings}


def _pivot(options: argparse.Namespace, vocabulary: Any, _: Any) -> tuple[Any, None]:
    from sse_nmt.graphs.pivot import pivot_matrix

    return pivot_matrix(options.source, options.target, vocabulary, take(PivotOptions, options)), None


def _embeddings(options: argparse.Namespace, vocabulary: Any, taking_part: Any) -> tuple[Any, Any]:
    from sse_nmt.graphs.embeddings import embedding_matrix

    rows = [row for row in vocabulary.words if taking_part is None or taking_part[row]]
    settings = take(EmbeddingOptions, options)
    return embedding_matrix(options.checkpoint, options.vectors, vocabulary, rows, settings)


def _spelling(options: argparse.Namespace, vocabulary: Any, _: Any) -> tuple[Any, None]:
    from sse_nmt.graphs.spelling import spelling_matrix

    return spelling_matrix(vocabulary, take(SpellingOptions, options)), None


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

    for line in show_graph(options.graph, options.tokens, take(ShowOptions, options)):
        print(line)


def _fetch_lexicons(options: argparse.Namespace) -> None:
    from sse_nmt.graphs.word_lists import fetch_word_lists

    for path, pairs in fetch_word_lists(options.folder):
        print(f"{path}: {pairs:,} pairs")
