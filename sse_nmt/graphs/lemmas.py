"""What a word is a form of, by simplemma's lists."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterator

from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import Progress


def lemmas(words: Collection[str], languages: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """(word, (language, lemma)) for each of the ``languages``, separated by commas, that knows the word.

    Raises:
        UserError: simplemma is not installed, or does not know a language.
    """
    if importlib.util.find_spec("simplemma") is None:
        raise UserError("`--lemmas-of` needs simplemma, which is not installed (pip install 'sse_nmt[graphs]').")
    import simplemma

    for language in languages.split(","):
        try:
            simplemma.is_known("a", language)
        except ValueError as error:
            raise UserError(f"`--lemmas-of` must name languages of simplemma, but {language!r} is none.") from error
        with Progress(len(words), f"looking up lemmas, {language}", "words") as progress:
            for word in words:
                if simplemma.is_known(word, language):
                    yield word, (language, simplemma.lemmatize(word, language).casefold())
                progress.advance(1)
