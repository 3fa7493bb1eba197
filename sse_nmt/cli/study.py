"""`sse-nmt study`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sse_nmt.cli.arguments import add_options, command, from_namespace
from sse_nmt.studies.options import StudyOptions
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import check_options

if TYPE_CHECKING:
    from sse_nmt.studies.study import Study


def add(commands: Any, text: str) -> None:
    examples = [
        "sse-nmt study configs/studies/smoke.yaml",
        "sse-nmt study configs/studies/smoke.yaml --list --only 'help-de/*'",
        "sse-nmt study configs/studies/smoke.yaml --report report",
        "sse-nmt study configs/studies/smoke.yaml --keep results/smoke",
    ]
    parser = command(commands, "study", _study, text, examples)
    parser.add_argument("study", metavar="STUDY", type=Path, help="a YAML file that says what is trained on what")
    add_options(parser, StudyOptions)
    parser.add_argument(
        "--only",
        metavar="CELL",
        action="append",
        default=[],
        help="the cells whose corpus/system/seed matches, * for anything; may be given several times (default: all)",
    )


def _study(arguments: argparse.Namespace) -> None:
    from sse_nmt.studies.cells import cells_of
    from sse_nmt.studies.changed_cells import check_as_asked
    from sse_nmt.studies.overview import overview
    from sse_nmt.studies.specification import read_study

    options = from_namespace(StudyOptions, arguments)
    check_options(options)
    _check_one_thing(options)
    study = read_study(arguments.study)
    folder = (Path("studies", arguments.study.stem) if options.output is None else options.output).absolute()
    cells = cells_of(study, folder, arguments.only)
    if options.report is not None or options.keep is not None:
        check_as_asked([cell for cell in cells if cell.state in ("done", "damaged")])
    if options.report is not None:
        from sse_nmt.studies.report import write_study_report

        for path in write_study_report(study, cells, options.report):
            print(path)
        return
    if options.keep is not None:
        from sse_nmt.studies.kept_cells import keep_cells

        print(f"{len(keep_cells(cells, options.keep))} of {len(cells)} cells are done, and kept in {options.keep}.")
        return
    if not options.list:
        from sse_nmt.studies.kept_cells import kept_cells, take_cells
        from sse_nmt.studies.run import prepare_corpora, run_cells

        _say_if_nothing_can_be_compared(study)
        if options.slurm:
            from sse_nmt.studies.slurm import run_on_slurm

            check_as_asked(cells)
            prepare_corpora([cell for cell in cells if cell.state != "done"], folder, options.jobs)
            run_on_slurm(cells, folder, study.slurm)
        elif options.take is None:
            run_cells(cells, folder, options.jobs)
        else:
            prepare_corpora(kept_cells(cells, options.take), folder, options.jobs)
            take_cells(cells, options.take)
    print(overview(cells))


def _say_if_nothing_can_be_compared(study: Study) -> None:
    from sse_nmt.system.progress import log_line

    if len(study.systems) == 1:
        log_line(f"{study.baseline} is the only system of the study: a report needs another to compare it with.")


def _check_one_thing(options: StudyOptions) -> None:
    asked = [name for name in ("list", "slurm", "report", "keep", "take") if getattr(options, name)]
    if len(asked) > 1:
        raise UserError(f"Only one of {', '.join(f'`--{name}`' for name in asked)} can be asked for at a time.")
