"""fairseq's sentence classification with Stochastic Shared Embeddings on the input (Wu et al. 2019, sec. 4.4)."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass

from fairseq.data import Dictionary
from fairseq.tasks import register_task
from fairseq.tasks.sentence_prediction import SentencePredictionConfig, SentencePredictionTask

from sse_nmt.adapters.one_table_task import OneTableConfig, OneTableTask
from sse_nmt.adapters.sse.installation import Transition, transition_of_classes


@dataclass
class SentencePredictionSSEConfig(SentencePredictionConfig, OneTableConfig):
    pass


@register_task("sentence_prediction_sse", dataclass=SentencePredictionSSEConfig)
class SentencePredictionSSETask(OneTableTask, SentencePredictionTask):
    """Classification of sentences, with input ids, and on request classes, perturbed in training."""

    PART = "encoder.sentence_encoder"
    TEXT = "input0/train"

    def __init__(
        self, cfg: SentencePredictionSSEConfig, data_dictionary: Dictionary, label_dictionary: Dictionary
    ) -> None:
        super().__init__(cfg, data_dictionary, label_dictionary)
        self.regularize(cfg, SentencePredictionSSEConfig)

    def label_transition(self, prob: float) -> Transition:
        if self.cfg.regression_target:
            raise ValueError("`--sse-prob-label` must be for classes, but the labels are numbers.")
        return transition_of_classes(prob, self.cfg.num_classes)
