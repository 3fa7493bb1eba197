"""`sse-nmt bench prepare`: pairs per second of the way from raw text to what fairseq trains on."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path

from sse_nmt.bench.made_up_bitext import write_bitext
from sse_nmt.bench.options import PreparationOptions
from sse_nmt.bench.step_costs import MeasuredSteps, largest_child
from sse_nmt.corpora.corpus import Fetched
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.pipeline.run import Pipeline, Prepared
from sse_nmt.system.atomic_files import split_lines
from sse_nmt.system.errors import UserError
from sse_nmt.system.machine import cores
from sse_nmt.system.options import check_options
from sse_nmt.system.progress import step
from sse_nmt.system.tables import plain_table
from sse_nmt.text.bitext import Bitext, count_lines

_NAME = "text"
_LANGUAGES = ("source", "target")
_HELD_OUT = 1000  # pairs of the validation and of the test text, at most one in a hundred
_MIB = 2**20


def bench_prepare(options: PreparationOptions) -> None:
    """Print a table of the pipeline's steps on the first pairs of two files, or on a made-up bitext.

    Raises:
        UserError: too small a number, or files that are not there or too short.
    """
    check_options(options)
    files = _files(options)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bitext = Bitext(_NAME, folder / "raw.source", folder / "raw.target", options.pairs)
        with step("Making up a text" if files is None else "Copying the text"):
            if files is None:
                write_bitext(bitext.source, bitext.target, options.pairs, options.seed)
            else:
                for whole, part in zip(files, (bitext.source, bitext.target), strict=True):
                    _copy_lines(whole, part, options.pairs)
        steps = MeasuredSteps(folder)
        source, target = _LANGUAGES
        prepare = PrepareOptions(
            _NAME, source_lang=source, target_lang=target, vocab_size=options.vocab_size, sample=options.sample,
            seed=options.seed,
        )  # fmt: skip
        prepared = Pipeline(folder, prepare, steps).run(_fetched(bitext))
        print(_heading(options, prepared, folder / "text"))
        print(_table(options, steps, prepared))


def _files(options: PreparationOptions) -> tuple[Path, Path] | None:
    if options.source is None and options.target is None:
        return None
    if options.source is None or options.target is None:
        raise UserError("`--source` and `--target` must be given both or neither, but only one of them is given.")
    files = Path(options.source), Path(options.target)
    for path in files:
        if not path.is_file():
            raise UserError(f"{path} must be a text file, but there is none.")
        lines = count_lines(path)
        if lines < options.pairs:
            raise UserError(f"{path} must have `--pairs` {options.pairs} lines, but has {lines} instead.")
    return files


def _copy_lines(whole: Path, part: Path, count: int) -> None:
    with open(whole, "rb") as source, open(part, "wb") as copy:
        copy.writelines(islice(source, count))


def _fetched(bitext: Bitext) -> Fetched:
    """The first pairs validate and test: cleaning takes them out of the training text."""
    count = min(_HELD_OUT, bitext.pairs // 100)
    sides = []
    for path in (bitext.source, bitext.target):
        with open(path, "rb") as file:
            sides.append(split_lines(b"".join(islice(file, 2 * count)), str(path)))
    pairs = list(zip(*sides, strict=True))
    return Fetched([bitext], pairs[:count], pairs[count:], kept_out={"in a test set": pairs}, in_order=True)


def _heading(options: PreparationOptions, prepared: Prepared, text: Path) -> str:
    corpus = prepared.corpora[_NAME]
    sides = []
    for language in _LANGUAGES:
        with open(text / f"train.{language}", encoding="utf-8", newline="\n") as lines:
            characters = sum(len(line) - 1 for line in lines)
        pieces = corpus[f"{language}_tokens"]
        sides.append(f"{characters / corpus['pairs']:.0f} characters, {pieces / corpus['pairs']:.1f} pieces")
    return (
        f"{options.pairs:,} {'made-up ' if options.source is None else ''}pairs, {corpus['pairs']:,} of them kept; a "
        f"source line has {sides[0]}, a target line {sides[1]} in the mean; {options.vocab_size:,} pieces; {cores()} "
        f"cores, seed {options.seed}"
    )


def _table(options: PreparationOptions, steps: MeasuredSteps, prepared: Prepared) -> str:
    """The rates are of the pairs that a step is given, which earlier ones have thinned."""
    corpus = prepared.corpora[_NAME]
    lost = prepared.removed
    cleaned = corpus["pairs"] + sum(lost[rule] for rule in ("duplicate", "length", "ratio"))
    rows = [
        ("cleaning", ("clean",), options.pairs),
        ("finding duplicates", ("duplicates",), cleaned),
        ("learning the pieces", ("learn",), None),
        ("segmenting and binarising", ("segment",), cleaned),
        ("all but learning", ("clean", "duplicates", "segment"), options.pairs),
    ]
    cells = [("", "pairs", "pairs/s", "seconds", "CPU seconds", "peak MiB")]
    for title, names, pairs in rows:
        seconds = sum(steps.seconds[name] for name in names)
        costs = [steps.costs[name] for name in names]
        cells.append(
            (
                title,
                "" if pairs is None else f"{pairs:,}",
                "" if pairs is None else f"{pairs / seconds:,.0f}",
                f"{seconds:.1f}",
                f"{sum(cost.cpu_seconds for cost in costs):.1f}",
                f"{max(cost.peak for cost in costs) / _MIB:,.0f}",
            )
        )
    cells.append(("the largest child process", "", "", "", "", f"{largest_child() / _MIB:,.0f}"))
    return plain_table(cells[0], cells[1:])
