"""What went wrong first, of a chain of exceptions."""

from __future__ import annotations

from collections.abc import Iterator

_ADVICE = {
    "Sentences lengths should not exceed max_tokens": "raise `dataset.max_tokens`, and for validation "
    "`dataset.max_tokens_valid`, with `--set`",
    "since max_positions": "raise `model.max_source_positions` and `model.max_target_positions` with `--set`, or "
    "prepare with a lower `--max-length`",
    "gradients are Nan/Inf": "lower `optimization.lr`, or raise `lr_scheduler.warmup_updates`, with `--set`",
}


def first_cause(error: BaseException) -> str:
    """The last exception that says something and, if that is another, the first of its causes; with advice of ours.

    An exception that came while another was looked into (fairseq looks where gradients became NaN) says less than it.
    """
    speaking = [each for each in _chain(error) if str(each).strip()] or [error]
    first = speaking[-1]
    said = _sentence(first)
    if speaking[0] is not first and not isinstance(first, (KeyError, AttributeError, FloatingPointError)):
        said = f"{_sentence(speaking[0])} ({said})"
    elif isinstance(first, (KeyError, AttributeError)):
        said = _sentence(speaking[0])
    advice = next((advice for text, advice in _ADVICE.items() if text in said), None)
    return said if advice is None else f"{said}: {advice}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _sentence(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # A process that fairseq has started hands over its traceback, which ends in what counts.
    text = lines[-1] if lines and "Traceback" in str(error) else (lines or [""])[0]
    return text if "Traceback" in str(error) else f"{type(error).__name__}: {text}".removesuffix(": ")
