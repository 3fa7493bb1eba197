"""`sse-nmt`: one sub-command a step. Heavy imports wait until the step that needs them runs."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sse_nmt
from sse_nmt.errors import UserError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit with 1 and one sentence for what the user can put right, 130 when interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    options = build_parser().parse_args(arguments)
    try:
        options.call(options)
        sys.stdout.flush()
    except UserError as error:
        _fail(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # no space left, no permission, …
        _fail(f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}.")
    except KeyboardInterrupt:
        print("sse-nmt: interrupted; the same command goes on where it stopped.", file=sys.stderr)
        sys.exit(130)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sse-nmt", description=sse_nmt.__doc__)
    parser.add_argument("--version", action="version", version=sse_nmt.__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_prepare, _add_train, _add_translate, _add_evaluate, _add_compare, _add_bench):
        add(commands)
    return parser


def _add_prepare(commands: Any) -> None:
    from sse_nmt.corpora.options import CORPORA, PrepareOptions

    parser = _command(commands, "prepare", _prepare, "fetch, clean, split, segment and binarise a corpus")
    default = PrepareOptions(corpus="")
    parser.add_argument("corpus", metavar="CORPUS", help=f"one of {', '.join(CORPORA)}")
    parser.add_argument("destination", metavar="DIR", type=Path, help="the folder to fill")
    parser.add_argument("--source", metavar="FILE", help="files: the source text, one sentence a line")
    parser.add_argument("--target", metavar="FILE", help="files: the target text")
    parser.add_argument(
        "--from", dest="folder", metavar="DIR", help="multi30k: take local files instead of downloading"
    )
    parser.add_argument("--mirror", metavar="URL", default=default.mirror, help="multi30k: where to download from")
    _add(parser, default, "source_lang", "language of the source side", metavar="LANG")
    _add(parser, default, "target_lang", "language of the target side", metavar="LANG")
    _add(parser, default, "pairs", "training pairs (default: all)", int)
    _add(parser, default, "valid", "validation pairs to set apart, where the corpus has no split of its own", int)
    _add(parser, default, "test", "test pairs to set apart, likewise", int)
    _add(parser, default, "pieces", "size of the joint SentencePiece model", int)
    _add(parser, default, "min_length", "least pieces of a training sentence", int)
    _add(parser, default, "max_length", "most pieces of a training sentence", int)
    _add(
        parser,
        default,
        "max_ratio",
        "most pieces of the longer side of a training pair per piece of the shorter",
        float,
    )
    _add(parser, default, "seed", "seed of the split and of the choice of training pairs", int)


def _prepare(options: argparse.Namespace) -> None:
    from sse_nmt.corpora.options import PrepareOptions
    from sse_nmt.corpora.prepare import prepare

    prepare(_take(PrepareOptions, options), options.destination)


def _add_train(commands: Any) -> None:
    from sse_nmt.training.options import TrainOptions

    parser = _command(commands, "train", _train, "train systems on prepared data, each in its run folder")
    default = TrainOptions()
    parser.add_argument("data", metavar="DIR", type=Path, help="a folder that `sse-nmt prepare` filled")
    parser.add_argument(
        "systems", metavar="CONFIG=RUN", nargs="+", help="a YAML for fairseq-hydra-train, and the run folder"
    )
    _add(parser, default, "seed", "seed (default: the configuration's)", int)
    _add(parser, default, "updates", "length of the training (default: the configuration's)", int)
    _add(parser, default, "jobs", "trainings at a time (default: as many as cores on CPU, one on GPU)", int)
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="change a value of the configuration",
    )
    parser.add_argument("--overwrite", action="store_true", help="discard what the run folders hold")


def _train(options: argparse.Namespace) -> None:
    from sse_nmt.training.options import TrainOptions
    from sse_nmt.training.train import train

    systems = [(Path(config), Path(run)) for config, run in _assignments(options.systems, "CONFIG=RUN")]
    train(options.data, systems, _take(TrainOptions, options))


def _add_search(parser: argparse.ArgumentParser) -> None:
    from sse_nmt.evaluation.options import ENGINES, SearchOptions

    default = SearchOptions()
    _add(parser, default, "engine", f"one of {', '.join(ENGINES)}", metavar="NAME")
    _add(parser, default, "beam", "width of the beam", int)
    _add(parser, default, "length_penalty", "exponent of the length that log-probabilities are divided by", float)
    _add(parser, default, "max_length", "most pieces of a translation", int)
    _add(parser, default, "batch_tokens", "pieces per batch", int)
    _add(parser, default, "compute_type", "number format of CTranslate2 (float32, int8, …)", metavar="TYPE")


def _add_translate(commands: Any) -> None:
    parser = _command(commands, "translate", _translate, "translate text, one sentence a line")
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    parser.add_argument("--input", metavar="FILE", type=Path, help="the text (default: standard input)")
    parser.add_argument("--output", metavar="FILE", type=Path, help="where it goes (default: standard output)")
    _add_search(parser)


def _translate(options: argparse.Namespace) -> None:
    from sse_nmt.atomic_files import read_lines, write_lines
    from sse_nmt.evaluation.options import SearchOptions
    from sse_nmt.evaluation.translation import Translator

    source = options.input if options.input is not None else Path("/dev/stdin")
    lines = read_lines(source)
    translations = Translator(options.run, _take(SearchOptions, options)).translate(lines)
    if options.output is None:
        sys.stdout.writelines(line + "\n" for line in translations)
    else:
        write_lines(options.output, translations)


def _add_evaluate(commands: Any) -> None:
    parser = _command(commands, "evaluate", _evaluate, "score a run on its test text, or a file against a reference")
    parser.add_argument("target", metavar="RUN", nargs="?", type=Path, help="a run folder")
    parser.add_argument(
        "--split", choices=["test", "valid"], default="test", help="which text of its data (default: test)"
    )
    parser.add_argument("--hypotheses", metavar="FILE", type=Path, help="instead of RUN: detokenised translations")
    parser.add_argument(
        "--reference", metavar="FILE", type=Path, help="with --hypotheses: what they are scored against"
    )
    _add_search(parser)


def _evaluate(options: argparse.Namespace) -> None:
    from sse_nmt.evaluation.evaluate import evaluate_files, evaluate_run
    from sse_nmt.evaluation.options import SearchOptions

    files = (options.hypotheses, options.reference)
    if options.target is not None and files == (None, None):
        result = evaluate_run(options.target, options.split, _take(SearchOptions, options))
    elif options.target is None and None not in files:
        result = evaluate_files(*files)
    else:
        raise UserError("`sse-nmt evaluate` needs either RUN or both `--hypotheses` and `--reference`.")
    print(json.dumps(result, indent=2, ensure_ascii=False))


def _add_compare(commands: Any) -> None:
    parser = _command(commands, "compare", _compare, "a table of evaluated runs against a baseline")
    parser.add_argument(
        "runs",
        metavar="NAME=RUN",
        nargs="+",
        help="a system's name and a run of it; the same name again is another seed",
    )
    parser.add_argument("--baseline", metavar="NAME", help="what the others are compared with (default: the first)")
    parser.add_argument("--split", choices=["test", "valid"], default="test", help="the text scored (default: test)")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, help="write Markdown, JSON, HTML and a picture there as well"
    )


def _compare(options: argparse.Namespace) -> None:
    from sse_nmt.evaluation.comparison import compare
    from sse_nmt.evaluation.report import as_markdown, write_report

    runs = [(name, Path(run)) for name, run in _assignments(options.runs, "NAME=RUN")]
    comparison = compare(runs, options.split, options.baseline)
    written = write_report(comparison, options.output) if options.output is not None else []
    print(as_markdown(comparison))
    for path in written:
        print(path)


def _add_bench(commands: Any) -> None:
    from sse_nmt.bench.options import OpOptions, OverheadOptions

    parser = commands.add_parser("bench", help="measure what SSE costs on this machine")
    benches = parser.add_subparsers(title="measurements", metavar="WHAT", required=True)
    op = _command(benches, "op", _bench_op, "time to perturb ids, beside a copy and a Python loop")
    _add(op, OpOptions(), "ids", "ids a call", int)
    _add(op, OpOptions(), "prob", "probability p0", float)
    _add(op, OpOptions(), "repeats", "timed calls", int)
    _add(op, OpOptions(), "seed", "seed of the ids and the draws", int)
    overhead = _command(benches, "overhead", _bench_overhead, "step time of translation_sse beside that of translation")
    _add(overhead, OverheadOptions(), "width", "width of the model", int)
    _add(overhead, OverheadOptions(), "layers", "layers of the encoder, and of the decoder", int)
    _add(overhead, OverheadOptions(), "words", "size of the vocabulary", int)
    _add(overhead, OverheadOptions(), "tokens", "target tokens a batch", int)
    _add(overhead, OverheadOptions(), "pairs", "pairs of timed steps", int)
    _add(overhead, OverheadOptions(), "seed", "seed of the model and the batches", int)


def _bench_op(options: argparse.Namespace) -> None:
    from sse_nmt.bench.op import bench_op
    from sse_nmt.bench.options import OpOptions

    bench_op(_take(OpOptions, options))


def _bench_overhead(options: argparse.Namespace) -> None:
    from sse_nmt.bench.options import OverheadOptions
    from sse_nmt.bench.overhead import bench_overhead

    bench_overhead(_take(OverheadOptions, options))


def _command(commands: Any, name: str, call: Any, text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.set_defaults(call=call)
    return parser


def _add(
    parser: argparse.ArgumentParser, defaults: Any, name: str, text: str, kind: Any = str, metavar: str | None = None
) -> None:
    """An option for a field of a dataclass, which has its default."""
    default = getattr(defaults, name)
    suffix = "" if default is None else f" (default: {default})"
    metavar = metavar or {int: "N", float: "X"}[kind]
    parser.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, type=kind, default=default, help=text + suffix)


def _take(kind: Any, options: argparse.Namespace) -> Any:
    """The dataclass ``kind`` from the options of the same names."""
    return kind(**{name: getattr(options, name) for name in kind.__dataclass_fields__})


def _assignments(words: Sequence[str], form: str) -> list[tuple[str, str]]:
    pairs = [word.partition("=") for word in words]
    for word, (left, _, right) in zip(words, pairs, strict=True):
        if not left or not right:
            raise UserError(f"A system must be given as {form}, but is {word!r} instead.")
    return [(left, right) for left, _, right in pairs]


def _fail(sentence: str) -> None:
    print(f"sse-nmt: {sentence}", file=sys.stderr)
    sys.exit(1)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
