"""newstest2008–2018, English–German, as sacreBLEU has them (its cache: the folder that `SACREBLEU` names)."""

from __future__ import annotations

from pathlib import Path

from sacrebleu import utils

from sse_nmt.atomic_files import read_lines
from sse_nmt.corpora.bitext import pair_up
from sse_nmt.corpora.pairs import Pair
from sse_nmt.errors import UserError

SETS = {year: "wmt14/full" if year == 2014 else f"wmt{year % 100:02d}" for year in range(2008, 2019)}
LANGUAGES = ("en", "de")


def load(year: int) -> list[Pair]:
    """The English–German pairs of newstest<year>, fetched by sacreBLEU if its cache has them not.

    Raises:
        UserError: they cannot be fetched, or source and reference differ in length.
    """
    name, direction = SETS[year], "-".join(LANGUAGES)
    try:
        source, target = utils.get_source_file(name, direction), utils.get_reference_files(name, direction)[0]
    except (Exception, SystemExit) as error:  # sacreBLEU says so in several ways, and may end the process
        raise UserError(
            f"{name} cannot be had from sacreBLEU ({error}): point `SACREBLEU` at a folder that has it."
        ) from error
    return pair_up(Path(source), read_lines(Path(source)), Path(target), read_lines(Path(target)))
