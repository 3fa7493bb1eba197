"""`sse-nmt bench`."""

from __future__ import annotations

import argparse
from typing import Any

from sse_nmt.bench.options import LossOptions, OpOptions, OverheadOptions, TrainOptions
from sse_nmt.cli.arguments import command, option, take


def add(commands: Any) -> None:
    parser = commands.add_parser("bench", help="measure what SSE and training steps cost on this machine")
    benches = parser.add_subparsers(title="measurements", metavar="WHAT", required=True)
    op = command(benches, "op", _bench_op, "time to perturb ids, beside a copy and a Python loop")
    option(op, OpOptions(), "ids", "ids a call", int)
    option(op, OpOptions(), "prob", "probability p0", float)
    option(op, OpOptions(), "repeats", "timed calls", int)
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
