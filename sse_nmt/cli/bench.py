"""`sse-nmt bench`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.bench.options import (
    DecodingOptions,
    FactorizedOptions,
    LossOptions,
    OpOptions,
    OverheadOptions,
    PreparationOptions,
    TrainOptions,
)
from sse_nmt.cli.arguments import command, option, take


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "bench", help="measure what SSE, training steps, preparing and translating cost on this machine"
    )
    benches = parser.add_subparsers(title="measurements", metavar="WHAT", required=True)
    op = command(benches, "op", _bench_op, "time to perturb ids, beside a copy and a Python loop")
    option(op, OpOptions(), "ids", "ids a call", int)
    option(op, OpOptions(), "prob", "probability p0", float)
    option(op, OpOptions(), "repeats", "timed calls", int)
    op.add_argument("--graph", action="store_true", help="SSE-Graph beside SSE-SE instead")
    option(op, OpOptions(), "seed", "seed of the ids and the draws", int)
    overhead = command(benches, "overhead", _bench_overhead, "step time of translation_sse beside that of translation")
    option(overhead, OverheadOptions(), "width", "width of the model", int)
    option(overhead, OverheadOptions(), "layers", "layers of the encoder, and of the decoder", int)
    option(overhead, OverheadOptions(), "words", "size of the vocabulary", int)
    option(overhead, OverheadOptions(), "tokens", "target tokens a batch", int)
    option(overhead, OverheadOptions(), "pairs", "pairs of timed steps", int)
    option(overhead, OverheadOptions(), "seed", "seed of the model and the batches", int)
    train = command(benches, "train", _bench_train, "tokens per second in training: ours, plain fairseq, its peers")
    option(train, TrainOptions(), "sizes", "vocabulary x width of each table", str, "VxW,…")
    option(train, TrainOptions(), "layers", "layers of the encoder, and of the decoder", int)
    option(train, TrainOptions(), "tokens", "tokens a batch, padding included", int)
    option(train, TrainOptions(), "batches", "different batches", int)
    option(train, TrainOptions(), "rounds", "timed steps of each contestant", int)
    option(train, TrainOptions(), "seed", "seed of the models and the batches", int)
    option(train, TrainOptions(), "peers", "install Eole and JoeyNMT below DIR and time them too", str, "DIR")
    loss = command(benches, "loss", _bench_loss, "time and memory of the output layer and its loss alone")
    option(loss, LossOptions(), "words", "size of the vocabulary", int)
    option(loss, LossOptions(), "width", "width of the features", int)
    option(loss, LossOptions(), "tokens", "target tokens", int)
    option(loss, LossOptions(), "rounds", "timed steps of each contestant", int)
    option(loss, LossOptions(), "seed", "seed of features, weights and labels", int)
    factorized = command(benches, "factorized", _bench_factorized, "what Frobenius decay costs, and low rank saves")
    option(factorized, FactorizedOptions(), "width", "width of the model", int)
    option(factorized, FactorizedOptions(), "layers", "layers of the encoder, and of the decoder", int)
    option(factorized, FactorizedOptions(), "heads", "heads of an attention", int)
    option(factorized, FactorizedOptions(), "words", "size of the vocabulary", int)
    option(factorized, FactorizedOptions(), "tokens", "tokens a batch, padding included", int)
    option(factorized, FactorizedOptions(), "rounds", "timed steps and translations of each contestant", int)
    option(factorized, FactorizedOptions(), "sentences", "sentences of a translation", int)
    option(factorized, FactorizedOptions(), "length", "tokens of a sentence, and of its translation", int)
    option(factorized, FactorizedOptions(), "beam", "hypotheses kept at each step", int)
    option(factorized, FactorizedOptions(), "seed", "seed of the models, batches and sentences", int)
    prepare = command(benches, "prepare", _bench_prepare, "pairs per second of each step from raw text to binary data")
    option(prepare, PreparationOptions(), "pairs", "pairs of the text", int)
    option(prepare, PreparationOptions(), "source", "the source text; without files one is made up", str, "FILE")
    option(prepare, PreparationOptions(), "target", "the target text", str, "FILE")
    option(prepare, PreparationOptions(), "pieces", "size of the joint SentencePiece model", int)
    option(prepare, PreparationOptions(), "sample", "pairs that this model is trained on", int)
    option(prepare, PreparationOptions(), "seed", "seed of the text and the sample", int)
    decode = command(benches, "decode", _bench_decode, "sentences per second: CTranslate2 beside fairseq-generate")
    decode.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    option(decode, DecodingOptions(), "sentences", "sentences of its test text", int)
    option(decode, DecodingOptions(), "rounds", "timed translations by each", int)
    option(decode, DecodingOptions(), "beam", "hypotheses kept at each step", int)
    option(decode, DecodingOptions(), "length_penalty", "exponent of the length in a hypothesis' score", float)
    option(decode, DecodingOptions(), "seed", "seed of the choice of sentences", int)


def _bench_op(options: argparse.Namespace) -> None:
    from sse_nmt.bench.op import bench_op

    bench_op(take(OpOptions, options))


def _bench_overhead(options: argparse.Namespace) -> None:
    from sse_nmt.bench.overhead import bench_overhead

    bench_overhead(take(OverheadOptions, options))


def _bench_train(options: argparse.Namespace) -> None:
    from sse_nmt.bench.train import bench_train

    bench_train(take(TrainOptions, options))


def _bench_loss(options: argparse.Namespace) -> None:
    from sse_nmt.bench.loss import bench_loss

    bench_loss(take(LossOptions, options))


def _bench_factorized(options: argparse.Namespace) -> None:
    from sse_nmt.bench.factorized import bench_factorized

    bench_factorized(take(FactorizedOptions, options))


def _bench_prepare(options: argparse.Namespace) -> None:
    from sse_nmt.bench.prepare import bench_prepare

    bench_prepare(take(PreparationOptions, options))


def _bench_decode(options: argparse.Namespace) -> None:
    from sse_nmt.bench.decode import bench_decode

    bench_decode(options.run, take(DecodingOptions, options))
