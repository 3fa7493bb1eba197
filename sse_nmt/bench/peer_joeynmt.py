"""JoeyNMT's own training step on our batches; run by a Python that has `joeynmt` (Kreutzer et al. 2019)."""

from __future__ import annotations

import logging
import tempfile
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from joeynmt.batch import Batch
from joeynmt.config import parse_train_args
from joeynmt.model import build_model
from joeynmt.training import TrainManager
from joeynmt.vocabulary import Vocabulary
from torch import Tensor

from sse_nmt.bench.step_server import BOS, EOS, PAD, SPECIALS, UNK, StepSpec, TokenBatch, Variant, serve

_SYMBOLS = SimpleNamespace(
    unk_token="<unk>", pad_token="<pad>", bos_token="<s>", eos_token="</s>", sep_token=None,
    unk_id=0, pad_id=1, bos_id=2, eos_id=3, sep_id=None, lang_tags=[],
)  # fmt: skip


def make(spec: StepSpec, batches: list[TokenBatch]) -> Variant:
    """TrainManager's step and what `train_and_validate` does around it, without logging and validation."""
    logging.disable(logging.INFO)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    words = Vocabulary([f"w{i}" for i in range(SPECIALS, spec.vocab_size)], _SYMBOLS)
    model = build_model(_model(spec), words, words)
    model.loss_function = ("crossentropy", spec.label_smoothing)
    with tempfile.TemporaryDirectory() as folder:  # for a log that nobody reads
        trainer = TrainManager(
            rank=0,
            model=model.to(device),
            model_dir=Path(folder),
            device=device,
            autocast={"enabled": False, "device_type": device.type},
            seed=spec.seed,
            train_args=parse_train_args(_training(spec)),
        )
    own = [_batch(pair, device) for pair in batches]

    def step(number: int) -> float:
        loss, _ = trainer._train_step(own[number])
        trainer.optimizer.step()
        trainer.model.zero_grad()
        return float(loss)

    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return Variant(step, parameters, f"JoeyNMT {version('joeynmt')}")


def _model(spec: StepSpec) -> dict[str, Any]:
    part = {
        "type": "transformer", "num_layers": spec.layers, "num_heads": spec.heads, "hidden_size": spec.embed_dim,
        "ff_size": spec.ffn, "dropout": spec.dropout, "layer_norm": "post", "activation": "relu",
        "embeddings": {"embedding_dim": spec.embed_dim, "scale": True, "dropout": spec.dropout},
    }  # fmt: skip
    weights = {"initializer": "xavier_uniform", "embed_initializer": "xavier_uniform", "bias_initializer": "zeros"}
    return {"encoder": part, "decoder": part, "tied_embeddings": True, "tied_softmax": True, **weights}


def _training(spec: StepSpec) -> dict[str, Any]:
    return {
        "optimizer": "adam", "adam_betas": [0.9, 0.98], "learning_rate": spec.lr, "normalization": "tokens",
        "label_smoothing": spec.label_smoothing, "batch_size": 1,
        "scheduling": "decaying",  # by epochs: constant here
    }  # fmt: skip


def _batch(pair: TokenBatch, device: torch.device) -> Batch:
    source, target = _renumbered(pair.source), _renumbered(pair.target)
    first = torch.full_like(target[:, :1], _SYMBOLS.bos_id)
    return Batch(
        src=source,
        src_length=source.ne(_SYMBOLS.pad_id).sum(1),
        src_prompt_mask=None,
        trg=torch.cat((first, target), dim=1),
        trg_prompt_mask=None,
        indices=torch.arange(len(source)),
        device=device,
        pad_index=_SYMBOLS.pad_id,
        eos_index=_SYMBOLS.eos_id,
    )


def _renumbered(ids: Tensor) -> Tensor:
    """fairseq's special ids -> those of JoeyNMT, whose order is fixed."""
    table = torch.arange(int(ids.max()) + 1 + SPECIALS)
    table[[BOS, PAD, EOS, UNK]] = torch.tensor([_SYMBOLS.bos_id, _SYMBOLS.pad_id, _SYMBOLS.eos_id, _SYMBOLS.unk_id])
    return table[ids]


if __name__ == "__main__":
    serve(make)
