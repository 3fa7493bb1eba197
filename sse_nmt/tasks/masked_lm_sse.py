"""fairseq's masked language modelling with Stochastic Shared Embeddings on the input (Wu et al. 2019, sec. 4.4)."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass
from typing import Any

from fairseq.data import Dictionary
from fairseq.models import BaseFairseqModel
from fairseq.tasks import register_task
from fairseq.tasks.masked_lm import MaskedLMConfig, MaskedLMTask

from sse_nmt.adapters.one_table_task import OneTableConfig, OneTableTask
from sse_nmt.adapters.sse.installation import ids_kept


@dataclass
class MaskedLMSSEConfig(MaskedLMConfig, OneTableConfig):
    pass


@register_task("masked_lm_sse", dataclass=MaskedLMSSEConfig)
class MaskedLMSSETask(OneTableTask, MaskedLMTask):
    """Masked language modelling, with the ids perturbed in training that the model is not asked for.

    Where it is asked, fairseq has put <mask>, another token, or the token itself, in shares that are BERT's: they stay
    as they are, and so does what they teach.
    """

    PART = "encoder.sentence_encoder"

    def __init__(self, cfg: MaskedLMSSEConfig, dictionary: Dictionary | None = None) -> None:
        super().__init__(cfg, dictionary)
        self.regularize(cfg, MaskedLMSSEConfig)

    def train_step(
        self, sample: dict[str, Any], model: BaseFairseqModel, *rest: Any, **named: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        with ids_kept(model, sample["target"] != self.source_dictionary.pad()):
            return super().train_step(sample, model, *rest, **named)
