"""newstest2008–2018, English–German, as sacreBLEU has them (its cache: the folder that `SACREBLEU` names)."""

from __future__ import annotations

from pathlib import Path

from sse_nmt.system.atomic_files import read_lines
from sse_nmt.system.errors import UserError
from sse_nmt.text.bitext import pair_up
from sse_nmt.text.pairs import SentencePair

SETS = {year: "wmt14/full" if year == 2014 else f"wmt{year % 100:02d}" for year in range(2008, 2019)}
LANGUAGES = ("en", "de")
SENTENCES = dict(zip(SETS, (2051, 2525, 2489, 3003, 3003, 3000, 3003, 2169, 2999, 3004, 2998), strict=True))


def load(year: int) -> list[SentencePair]:
    """The English–German pairs of newstest<year>, fetched by sacreBLEU if its cache has them not.

    Raises:
        UserError: they cannot be fetched, or are not whole.
    """
    from sacrebleu import utils

    name, direction = SETS[year], "-".join(LANGUAGES)
    try:
        source, target = utils.get_source_file(name, direction), utils.get_reference_files(name, direction)[0]
    except (Exception, SystemExit) as error:  # sacreBLEU says so in several ways, and may end the process
        raise UserError(
            f"{name} cannot be had from sacreBLEU ({error}): point `SACREBLEU` at a folder that has it."
        ) from error
    pairs = pair_up(Path(source), read_lines(Path(source)), Path(target), read_lines(Path(target)))
    if len(pairs) != SENTENCES[year]:
        raise UserError(
            f"{name} must have {SENTENCES[year]:,} sentences, but {source} has {len(pairs):,}: remove "
            f"{Path(source).parent} for sacreBLEU to fetch it anew, or point `SACREBLEU` at a folder that has it."
        )
    return pairs
