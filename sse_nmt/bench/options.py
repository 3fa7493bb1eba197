"""What the measurements can be told, with every default."""

from __future__ import annotations

from dataclasses import dataclass

from sse_nmt.corpora.options import WMT14_VOCAB_SIZE, PrepareOptions
from sse_nmt.evaluation.options import NewstestOptions
from sse_nmt.system.options import at_least, between, option, seeds

_VOCAB = "tokens in the vocabulary"
_WIDTH = "width of the model"
_LAYERS = "layers of the encoder, and of the decoder"
_BATCH = "tokens of a batch, padding included"
_BEAM = "hypotheses that are kept at each step"


@dataclass(frozen=True)
class OpOptions:
    ids: int = option(1_000_000, "token ids of a call", at_least(1))
    prob: float = option(0.01, "probability p0 that an id is replaced", between(0, 1))
    repeats: int = option(30, "timed calls", at_least(2))
    graph: bool = option(False, "compare SSE-Graph with SSE-SE instead")
    seed: int = option(1, "seed of the ids and the draws", seeds())


@dataclass(frozen=True)
class OverheadOptions:
    embed_dim: int = option(256, _WIDTH, at_least(4))
    layers: int = option(2, _LAYERS, at_least(1))
    vocab_size: int = option(8000, _VOCAB, at_least(8))
    tokens: int = option(1600, "target tokens of a batch", at_least(1))
    pairs: int = option(40, "pairs of timed steps", at_least(2))
    seed: int = option(1, "seed of the model and the batches", seeds())


@dataclass(frozen=True)
class TrainStepOptions:
    sizes: str = option(
        "8000x128,8000x512,32000x128,32000x512", "sizes that are measured: vocabulary x width", metavar="VxW,…"
    )
    layers: int = option(2, _LAYERS, at_least(1))
    tokens: int = option(2048, _BATCH, at_least(16))
    batches: int = option(8, "different batches", at_least(1))
    rounds: int = option(9, "timed steps of each toolkit", at_least(2))
    starts: int = option(3, "how often all are started anew, each time for a share of the rounds", at_least(1))
    seed: int = option(1, "seed of the models and the batches", seeds())
    peers: str | None = option(
        None, "install Eole and JoeyNMT below this folder and time them too", metavar="DIR", unset="they are left out"
    )


@dataclass(frozen=True)
class LossOptions:
    vocab_size: int = option(32_000, _VOCAB, at_least(8))
    embed_dim: int = option(512, "width of the features", at_least(1))
    tokens: int = option(25_000, "target tokens", at_least(1))
    rounds: int = option(3, "timed steps of each loss", at_least(2))
    seed: int = option(1, "seed of features, weights and labels", seeds())


@dataclass(frozen=True)
class PreparationOptions:
    pairs: int = option(200_000, "sentence pairs of the text", at_least(100))
    source: str | None = option(None, "a source text", metavar="FILE", unset="one is made up")
    target: str | None = option(None, "its target text", metavar="FILE", unset="one is made up")
    vocab_size: int = option(WMT14_VOCAB_SIZE, "size of the joint SentencePiece model", at_least(1))
    sample: int = option(PrepareOptions.sample, "sentence pairs that this model is trained on", at_least(1))
    seed: int = option(1, "seed of the text and the sample", seeds())


@dataclass(frozen=True)
class DecodingOptions:
    sentences: int = option(500, "sentences of the run's test text that are translated", at_least(1))
    rounds: int = option(3, "timed translations by each engine", at_least(2))
    beam: int = option(NewstestOptions.beam, _BEAM, at_least(1))
    length_penalty: float = option(NewstestOptions.length_penalty, "exponent of the length in a hypothesis' score")
    candidates: int | None = option(
        None, "CTranslate2 also with so many target pieces for a source piece", at_least(1), unset="not measured"
    )
    seed: int = option(1, "seed of the choice of sentences", seeds())


@dataclass(frozen=True)
class FactorizedOptions:
    embed_dim: int = option(512, _WIDTH, at_least(4))
    layers: int = option(6, _LAYERS, at_least(1))
    heads: int = option(8, "heads of an attention", at_least(1))
    vocab_size: int = option(8000, _VOCAB, at_least(100))
    tokens: int = option(2048, _BATCH, at_least(120))
    rounds: int = option(10, "timed steps and translations of each model", at_least(2))
    sentences: int = option(32, "sentences of a translation", at_least(1))
    length: int = option(25, "tokens of a sentence, and of its translation", at_least(2))
    beam: int = option(NewstestOptions.beam, _BEAM, at_least(1))
    seed: int = option(1, "seed of the models, batches and sentences", seeds())


PARTS = ("draw", "loss", "attention", "step", "training", "tests")  # of a check of GPUs


@dataclass(frozen=True)
class GpuCheckOptions:
    output: str = option("gpu_check", "folder that gets gpu_check.json and gpu_check.md", metavar="DIR")
    layers: int = option(6, _LAYERS, at_least(1))
    embed_dim: int = option(512, _WIDTH, at_least(4))
    heads: int = option(8, "heads of an attention", at_least(1))
    vocab_size: int = option(32_000, _VOCAB, at_least(100))
    tokens: str = option("3584,25000", "sizes of a batch that are measured, in tokens", metavar="N,…")
    rounds: int = option(20, "timed steps of each system", at_least(2))
    updates: int = option(300, "updates of the short trainings", at_least(2))
    parts: str = option(
        ",".join(PARTS[:-1]),
        f"what is checked, of {', '.join(PARTS)}; these last are the project's own, run on the GPU, in a checkout",
        metavar="PART,…",
    )
    cpu: bool = option(False, "try the parts on the CPU, where nothing is learnt of GPUs")
    seed: int = option(1, "seed of the models, the batches and the draws", seeds())
