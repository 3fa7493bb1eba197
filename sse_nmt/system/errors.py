"""What a user can put right is said in one sentence; everything else keeps its traceback."""

from sse_nmt.system.harmless import sentence


class UserError(Exception):
    """A sentence with name, rule and value, harmless to print; `sse-nmt` does, and exits with status 1."""

    def __init__(self, text: str, *items: str) -> None:
        """``items``: each gets a line of its own below the sentence."""
        super().__init__("\n  ".join(map(sentence, (text, *items))))


class OptionError(UserError, ValueError):
    """The same of an option of fairseq's commands, which know nothing of ours."""
