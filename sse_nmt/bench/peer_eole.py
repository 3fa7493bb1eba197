"""Eole's training step, run by Eole's own Python: see `step_server`."""

from __future__ import annotations

from typing import Any

import eole
import torch
from eole.config.run import TrainConfig
from eole.constants import DefaultTokens
from eole.inputters.inputter import dict_to_vocabs
from eole.inputters.text_utils import tensorify
from eole.models.model import get_model_class
from eole.trainer import build_trainer
from eole.utils import Statistics
from eole.utils.misc import configure_cuda_backends
from eole.utils.optimizers import Optimizer

from sse_nmt.bench.step_server import BOS, EOS, PAD, SPECIALS, UNK, StepSpec, TokenBatch, Variant, serve


def model_options(spec: StepSpec) -> dict[str, Any]:
    """Fairseq's `transformer` with shared embeddings, as nearly as Eole can build it."""
    return {
        "architecture": "transformer",
        "layers": spec.layers,
        "hidden_size": spec.embed_dim,
        "heads": spec.heads,
        "transformer_ff": spec.ffn,
        "mlp_activation_fn": "relu",
        "add_qkvbias": True,
        "add_final_linear_bias": True,
        "add_ffnbias": True,
        "generator_bias": False,
        "share_embeddings": True,
        "share_decoder_embeddings": True,
        "embeddings": {"word_vec_size": spec.embed_dim, "position_encoding_type": "SinusoidalConcat"},
        # Only the encoder can be post-norm; Eole's decoder is always pre-norm, with a norm after its last layer.
        "encoder": {"encoder_layer_style": "postnorm", "final_encoder_layer_norm": False},
    }


def training_options(spec: StepSpec) -> dict[str, Any]:
    return {
        "world_size": int(torch.cuda.is_available()),
        "gpu_ranks": [0] if torch.cuda.is_available() else [],
        "compute_dtype": "fp32",
        "self_attn_backend": "pytorch",
        "param_init_method": "xavier_uniform",  # the default would draw the layer norms' scales about 0, too
        "dropout": [spec.dropout],
        "attention_dropout": [0.0],
        "label_smoothing": spec.label_smoothing,
        "normalization": "tokens",
        "optim": "adam",
        "use_amp": torch.cuda.is_available(),  # never in float32; but False takes optimi's Adam, on a CPU the faster
        "learning_rate": spec.lr,
        "adam_beta1": 0.9,
        "adam_beta2": 0.98,
        "adam_eps": 1e-8,
        "start_decay_steps": 10**9,  # a constant rate: with decay_method "none", Eole still halves it from here on
        "max_grad_norm": 0,
        "log_attention_entropy": False,  # on by default; costs time and trains nothing
    }


def shared_vocabs(vocab_size: int) -> dict[str, Any]:
    """A vocabulary whose ids are those of `step_server`, so that batches need no mapping."""
    specials = {BOS: DefaultTokens.BOS, PAD: DefaultTokens.PAD, EOS: DefaultTokens.EOS, UNK: DefaultTokens.UNK}
    tokens = [specials.get(i, f"w{i}") for i in range(vocab_size)]
    names = {"bos_token": BOS, "pad_token": PAD, "eos_token": EOS, "unk_token": UNK}
    vocabs: dict[str, Any] = dict_to_vocabs(
        {"src": tokens, "tgt": tokens, "specials": {name: specials[i] for name, i in names.items()}}
    )
    assert len(vocabs["tgt"]) == vocab_size
    assert all(vocabs["tgt"][specials[i]] == i for i in range(SPECIALS))
    return vocabs


def eole_batch(pair: TokenBatch, vocabs: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """What Eole's iterator makes of these sentences."""
    examples = [
        {
            "src": {"src_ids": source[source != PAD].tolist()},
            "tgt": {"tgt_ids": [BOS, *target[target != PAD].tolist()]},
            "cid": "train",
            "cid_line_number": line,
            "sco": 1,
        }
        for line, (source, target) in enumerate(zip(pair.source, pair.target, strict=True))
    ]
    batch: dict[str, Any] = tensorify(vocabs, [(example, i) for i, example in enumerate(examples)], device)
    return batch


def drop_no_activations(model: Any) -> None:
    """As in fairseq; Eole has one option for this dropout and those of the residuals."""
    for layer in [*model.encoder.transformer_layers, *model.decoder.transformer_layers]:
        layer.mlp.dropout_1.p = 0.0


def make(spec: StepSpec, batches: list[TokenBatch]) -> Variant:
    """What `eole train` sets up, less its data iterators and checkpoints."""
    options = {"model": model_options(spec), "training": training_options(spec)}
    config = TrainConfig(data={}, src_vocab="dummy", share_vocab=True, **options)
    device_id = 0 if torch.cuda.is_available() else -1
    configure_cuda_backends()
    vocabs = shared_vocabs(spec.vocab_size)
    model = get_model_class(config.model).for_training(config.model, vocabs, config.training, device_id=device_id)
    drop_no_activations(model)
    optim = Optimizer.from_config(model, config)
    trainer = build_trainer(config, device_id, model, vocabs, optim)
    device = next(model.parameters()).device
    ready = [eole_batch(pair, vocabs, device) for pair in batches]

    def step(i: int) -> float:
        """One turn of the loop in `Trainer.train`, which itself would only return after the last."""
        ((accumulated, normalization),) = trainer._accum_batches([(ready[i], 0)])
        number = optim.training_step
        trainer._update_scheduled_params(number)
        total, reported = Statistics(), Statistics()
        trainer._train_step(accumulated, normalization, total, reported, step=number)
        trainer._maybe_clear_device_cache(number)
        return float(total.xent())

    parameters = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    return Variant(step, parameters, f"eole {eole.__version__}")


if __name__ == "__main__":
    serve(make)
