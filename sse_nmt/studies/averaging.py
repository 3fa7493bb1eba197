"""Whether trainings of a study leave the checkpoints that it averages."""

from __future__ import annotations

import itertools
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sse_nmt.runs.settings import GRAPHS, TEXTS
from sse_nmt.studies.study import Study
from sse_nmt.system.errors import UserError
from sse_nmt.training.configuration import run_configuration

_ALL, _INFINITE = -1, float("inf")  # the first as fairseq says it


def check_averages(path: Path, study: Study) -> None:
    """Raises UserError, before anything is trained, for a training of the study in ``path`` that keeps too few."""
    if not study.average:
        return
    for corpus, system in itertools.product(study.corpora, study.systems):
        no_files = [f"{key}=null" for key in (*GRAPHS, *TEXTS)]  # which may be made later
        settings = [*study.settings, *corpus.settings, *system.settings, *no_files]
        configuration = run_configuration(system.configuration, path.parent, None, study.updates, settings)
        if _kept(configuration) < study.average:
            raise UserError(
                f"`average` in {path} must be at most the checkpoints that a training keeps, but is {study.average} "
                f"where {corpus.name}/{system.name} keeps {_kept(configuration)}: set "
                "`checkpoint.save_interval_updates` and `checkpoint.keep_interval_updates`."
            )


def _kept(configuration: DictConfig) -> float:
    """At most so many: of updates, else of epochs."""

    def number(key: str, default: int) -> int:
        """What is none is for the training to refuse."""
        try:
            found = OmegaConf.select(configuration, key, default=default)
        except OmegaConfBaseException:  # `${hydra:…}`
            found = None
        return found if isinstance(found, int) else default

    interval, updates = number("checkpoint.save_interval_updates", 0), number("optimization.max_update", 0)
    if interval > 0:
        written = updates // interval if updates > 0 else _INFINITE
        return min(_count(number("checkpoint.keep_interval_updates", _ALL)), written)
    if number("checkpoint.no_epoch_checkpoints", False):
        return 0
    return _count(number("checkpoint.keep_last_epochs", _ALL))


def _count(kept: int) -> float:
    return _INFINITE if kept == _ALL else kept
