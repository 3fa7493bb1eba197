"""Where everything is in a run folder; nobody else spells these names.

RUN/run.json             status, command, versions, git commit, data, device, times
RUN/training.yaml        the configuration as fitted to the machine, which fairseq-hydra-train reads
RUN/training_full.yaml   the same with every default of fairseq, once finished
RUN/train.log            all that fairseq printed; of other processes of the same training, train.rank<N>.log
RUN/checkpoints/         checkpoint_best.pt (validation loss), checkpoint_last.pt
RUN/text/                SentencePiece model, dictionaries, validation and test text: all that scoring needs
RUN/scores/              <text>.{hyp,ref,stats.npz} and <text>.json; newstest/ has the like for each of its sets
RUN/ctranslate2/         converted models
"""

from __future__ import annotations

from pathlib import Path

CHECKPOINTS = "checkpoints"  # as fairseq's `checkpoint.save_dir` has it too
BEST, LAST = "checkpoint_best.pt", "checkpoint_last.pt"
CONFIGURATION = "training"  # hydra's name of it: without .yaml


class RunPaths:
    """The paths below ``path``, whether or not there is anything."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record_file = path / "run.json"
        self.configuration = path / f"{CONFIGURATION}.yaml"
        self.full_configuration = path / f"{CONFIGURATION}_full.yaml"
        self.log = path / "train.log"
        self.checkpoints = path / CHECKPOINTS
        self.best, self.last = self.checkpoints / BEST, self.checkpoints / LAST
        self.text_folder = path / "text"
        self.subword_model = self.text_folder / "sentencepiece.model"
        self.scores = path / "scores"
        self.newstest_scores = self.scores / "newstest"
        self.newstest_record = self.newstest_scores / "scores.json"
        self.converted = path / "ctranslate2"

    def rank_log(self, rank: object) -> Path:
        """What a process that trains along prints; that of rank 0 keeps ``log``."""
        return self.log.with_suffix(f".rank{rank}.log")

    def text(self, split: str, language: str) -> Path:
        """One side of a text that can be scored."""
        return self.text_folder / f"{split}.{language}"

    def scored(self, text: str) -> ScoredText:
        """What is known of a text of its data: "test" or "valid"."""
        return ScoredText(self.scores, text)

    def newstest(self, name: str) -> ScoredText:
        """The same of one of newstest's sets, such as wmt14/full."""
        return ScoredText(self.newstest_scores, name.replace("/", "-"))


class ScoredText:
    """Translations of a text, its references, and what metrics count in each sentence."""

    def __init__(self, folder: Path, name: str) -> None:
        self.hypotheses = folder / f"{name}.hyp"
        self.references = folder / f"{name}.ref"
        self.statistics = folder / f"{name}.stats.npz"
        self.scores = folder / f"{name}.json"  # of newstest all sets have one, beside them
