"""fairseq's language modelling task with Stochastic Shared Embeddings on the input (Wu et al. 2019, sec. 4.2)."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass
from typing import Any

from fairseq.tasks import register_task
from fairseq.tasks.language_modeling import LanguageModelingConfig, LanguageModelingTask

from sse_nmt.adapters.one_table_task import OneTableConfig, OneTableTask


@dataclass
class LanguageModelingSSEConfig(LanguageModelingConfig, OneTableConfig):
    pass


@register_task("language_modeling_sse", dataclass=LanguageModelingSSEConfig)
class LanguageModelingSSETask(OneTableTask, LanguageModelingTask):
    """Language modelling, and sequential recommendation where tokens are items, with input ids perturbed in training.

    ``--sse-prob`` is the paper's px, ``--sse-prob-label`` its py. Validation never perturbs.
    """

    PART = "decoder"

    def __init__(self, args: Any, *dictionaries: Any, **rest: Any) -> None:
        super().__init__(args, *dictionaries, **rest)
        self.regularize(args, LanguageModelingSSEConfig)
