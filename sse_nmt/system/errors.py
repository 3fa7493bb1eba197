"""What a user can put right is said in one sentence; everything else keeps its traceback."""


class UserError(Exception):
    """A sentence with name, rule and value; `sse-nmt` prints it and exits with status 1."""


class OptionError(UserError, ValueError):
    """The same of an option of fairseq's commands, which know nothing of ours."""
