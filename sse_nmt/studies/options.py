"""What `sse-nmt study` can be told, with every default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sse_nmt.system.options import at_least, option


@dataclass(frozen=True)
class StudyOptions:
    output: Path | None = option(
        None, "folder of the study", metavar="DIR", unset="studies/NAME, for NAME.yaml, where the command is given"
    )
    list: bool = option(False, "show the cells and their state, and run none")
    jobs: int | None = option(
        None, "cells that run at a time", at_least(1), unset="as many as GPUs, or cores where there is none"
    )
    slurm: bool = option(
        False, "run the cells as jobs of Slurm, which ask for what the study's `slurm` says; needs the extra `slurm`"
    )
    report: Path | None = option(None, "write what came out here, and run none", metavar="DIR", unset="none")
    keep: Path | None = option(
        None,
        "write the cells that are done here, as data without checkpoints, and run none",
        metavar="DIR",
        unset="none",
    )
    take: Path | None = option(
        None, "take over cells that were kept here, prepare their corpora, and train none", metavar="DIR", unset="none"
    )
