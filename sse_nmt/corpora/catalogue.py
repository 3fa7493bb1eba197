"""All corpora by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sse_nmt.corpora import elotl, files, gnome_help, libreoffice_help, multi30k, wmt14_en_de
from sse_nmt.corpora.corpus import Corpus
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import flag_of

CORPORA: dict[str, Corpus] = {
    corpus.name: corpus
    for corpus in (
        libreoffice_help.CORPUS,
        multi30k.CORPUS,
        elotl.CORPUS,
        files.CORPUS,
        wmt14_en_de.CORPUS,
        gnome_help.CORPUS,
    )
}


def corpus_named(name: str) -> Corpus:
    if name not in CORPORA:
        raise UserError(f"The corpus must be one of {', '.join(CORPORA)}, but is {name!r} instead.")
    return CORPORA[name]


def options_for(name: str, given: Mapping[str, Any]) -> PrepareOptions:
    """Those given, and the corpus' own defaults.

    Raises:
        UserError: no such corpus, or an option that is not for it.
    """
    corpus = corpus_named(name)
    metadata = {each.name: each.metadata for each in fields(PrepareOptions)}
    for option in given:
        if option not in corpus.common | corpus.options:
            raise UserError(f"`{flag_of(option, metadata[option])}` is no option of the corpus {name}.")
    return PrepareOptions(name, **{**corpus.defaults, **given})
