"""`python -m sse_nmt.adapters.training_process`: fairseq-hydra-train, which says in one sentence why it failed.

Started in a run folder by `sse-nmt train`; takes the words of fairseq-hydra-train.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from sse_nmt.adapters.first_cause import first_cause
from sse_nmt.runs.paths import CONFIGURATION
from sse_nmt.system.child_processes import MARK
from sse_nmt.system.errors import UserError


def main(words: list[str]) -> None:
    try:
        _check(Path(words[words.index("--config-dir") + 1]) / f"{CONFIGURATION}.yaml")
        from fairseq_cli import hydra_train

        from sse_nmt.adapters.memory import keep_memory_between_steps
        from sse_nmt.adapters.precision.onednn import products_of_this_machine

        keep_memory_between_steps()
        with products_of_this_machine():
            hydra_train.cli_main()
    except UserError as error:
        print(f"{MARK}{error}", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        traceback.print_exc()
        print(f"{MARK}{first_cause(error)}", file=sys.stderr)
        sys.exit(1)


def _check(path: Path) -> None:
    configuration = OmegaConf.load(path)
    assert isinstance(configuration, DictConfig)
    from argparse import Namespace

    from fairseq import utils

    from sse_nmt.adapters.configuration_check import check_configuration

    utils.import_user_module(Namespace(user_dir=OmegaConf.select(configuration, "common.user_dir")))
    check_configuration(configuration)


if __name__ == "__main__":
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    main(sys.argv[1:])
