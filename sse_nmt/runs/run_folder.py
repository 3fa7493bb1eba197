"""A run folder explains itself: configuration, versions, code, command, log, checkpoints and scores in one place."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sse_nmt.runs.checkpoints import load_checkpoint, updates
from sse_nmt.runs.model import Model
from sse_nmt.runs.paths import BEST, RunPaths
from sse_nmt.runs.provenance import device, git_state, machine_of, versions
from sse_nmt.runs.records import RunRecord
from sse_nmt.runs.settings import GRAPHS, TEXTS, first_difference, of_consequence, settings_of
from sse_nmt.system.atomic_files import atomic_directory, atomic_write, check_ours, sha256_of, write_json
from sse_nmt.system.errors import UserError
from sse_nmt.system.locks import folder_lock
from sse_nmt.system.records import read_record
from sse_nmt.text.manifest import TextOptions, read_manifest

_WAY_OUT = "choose another folder (`--overwrite` discards what this one holds)"


class RunFolder(RunPaths):
    """One training, its record and what it leaves."""

    def check_ours(self) -> None:
        """Raise UserError if the folder holds something else; logs of other ranks may come before its record."""
        check_ours(self.path, self.record_file.name, self.rank_log("*").name)

    @property
    def record(self) -> RunRecord:
        """What is known of the run. Raises UserError if it is none."""
        self.check_exists()
        return read_record(self.record_file, RunRecord)

    def check_exists(self) -> None:
        if not self.exists:
            raise UserError(f"{self.path} must be a run folder, but holds no {self.record_file.name}.")

    @property
    def system(self) -> str:
        """The name of its configuration; that of the folder for a run of version 0.1.0, which did not record it."""
        return str(self.record.get("system", self.path.name))

    @property
    def exists(self) -> bool:
        return self.record_file.is_file()

    @property
    def languages(self) -> tuple[str, str]:
        """Source and target."""
        record = self.record
        return record["source_lang"], record["target_lang"]

    @property
    def machine(self) -> str:
        """What it was trained with, as far as results may depend on it."""
        return machine_of(self.record)

    def model(self, checkpoint: str = BEST) -> Model:
        """What one of its checkpoints translates with."""
        return Model(self.checkpoints / checkpoint, self.text_folder, *self.languages)

    def check_text(self) -> None:
        """Raise UserError if what it was begun with is not what its text folder holds."""
        wanted = self.record.get("text")  # None: begun before this was recorded
        files = sorted(self.text_folder.iterdir()) if self.text_folder.is_dir() else []
        if wanted is not None and sha256_of(files) != wanted:
            raise UserError(
                f"{self.text_folder} must hold the pieces, dictionaries and texts of its training, but something of "
                "it was changed or is gone: copy it from where it is whole, or train again."
            )

    @property
    def begun(self) -> bool:
        """Whether there is something to go on from."""
        return self.exists and any(self.checkpoints.glob("checkpoint*.pt"))

    @property
    def finished(self) -> bool:
        return self.exists and self.record["status"] == "finished"

    def begin(self, system: str, asked: DictConfig, fitted: DictConfig, command: list[str], data: Path) -> None:
        """Write what is known before training starts; a run that goes on remembers its earlier sessions.

        ``fitted`` is the configuration ``asked`` for as this machine trains it; the next may be another one.
        """
        manifest = read_manifest(data)
        session = {
            "command": command,
            "versions": versions(),
            "git": git_state(),
            "started": _now(),
            "device": device(),
        }
        before = self.record if self.exists else None
        earlier: list[Any] = []
        if before is not None:
            known: dict[str, Any] = {**before}
            earlier = [*before.get("earlier", []), {key: known.get(key) for key in session}]
        write_json(
            self.record_file,
            {
                "status": "running",
                "system": system,
                **session,
                "earlier": earlier,
                "seed": OmegaConf.select(asked, "common.seed", default=1),  # fairseq's default
                "source_lang": manifest["options"]["source_lang"],
                "target_lang": manifest["options"]["target_lang"],
                "data": {"folder": str(data.resolve()), **manifest},
                "configuration": settings_of(asked),
                "graphs": _graphs(asked),
                "text": sha256_of(_text_files(data, manifest["options"])),
            },
        )
        self._keep_text(data, manifest["options"])
        with atomic_write(self.configuration) as file:
            file.write(OmegaConf.to_yaml(fitted))

    def finish(self, seconds: float | None) -> None:
        """Mark the run as finished, after so many seconds (None: unknown), and write the configuration in full."""
        state = load_checkpoint(self.last)
        with atomic_write(self.full_configuration) as file:
            file.write(OmegaConf.to_yaml(OmegaConf.create(_plain(state["cfg"]))))
        record = {
            **self.record,
            "status": "finished",
            "updates": updates(state),
            "finished": _now(),
            "seconds": seconds,
        }
        write_json(self.record_file, record)

    def end(self, status: str) -> None:
        """Say that nobody trains here any more: "interrupted" or "failed"."""
        if self.exists:
            write_json(self.record_file, {**self.record, "status": status})

    def check_same(self, configuration: DictConfig, data: Path) -> None:
        """Raise UserError if this folder was begun with another configuration or on other data."""
        if read_manifest(data)["fingerprint"] != self.record["data"]["fingerprint"]:
            raise UserError(f"{self.path} holds a run on other text than {data} now holds: {_WAY_OUT}.")
        graphs = _graphs(configuration)
        for key in (*GRAPHS, *TEXTS):
            if self.record.get("graphs", {}).get(key) != graphs.get(key):
                raise UserError(f"{self.path} holds a run with another file as `{key}`: {_WAY_OUT}.")
        found = first_difference(self.asked, configuration)
        if found is not None:
            raise UserError(f"{self.path} holds a run with {found}: {_WAY_OUT}.")

    def settings(self) -> dict[str, Any]:
        """All of its configuration that decides what comes out, the seed included."""
        return of_consequence(self.asked)

    @property
    def asked(self) -> dict[str, Any]:
        """Its configuration as it was asked for."""
        asked = self.record.get("configuration")
        # None: begun by version 0.1.0
        return settings_of(OmegaConf.load(self.configuration)) if asked is None else asked

    def clear(self) -> None:
        """Remove what a run leaves here, and nothing else; its record goes last, and first ceases to say "finished"."""
        if not self.exists:
            return
        write_json(self.record_file, {**self.record, "status": "running"})
        for folder in (self.checkpoints, self.text_folder, self.scores, self.converted):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.configuration, self.full_configuration, self.log, self.record_file):
            file.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[int]:
        """Keep others from training here; the file descriptor is for the trainer to inherit."""
        with folder_lock(self.path, "training") as descriptor:
            yield descriptor

    def _keep_text(self, data: Path, options: TextOptions) -> None:
        with atomic_directory(self.text_folder) as text:
            for file in _text_files(data, options):
                shutil.copy(file, text)


def _text_files(data: Path, options: TextOptions) -> list[Path]:
    """What scoring needs of the data, by name."""
    languages = (options["source_lang"], options["target_lang"])
    texts = [data / "text" / f"{split}.{language}" for split in ("valid", "test") for language in languages]
    files = [data / "sentencepiece.model", *texts, *(data / "bin" / f"dict.{language}.txt" for language in languages)]
    return sorted(files, key=lambda file: file.name)


def _graphs(configuration: DictConfig) -> dict[str, str]:
    """Setting -> a digest of the graph that it names."""
    named = {key: OmegaConf.select(configuration, key) for key in (*GRAPHS, *TEXTS)}
    return {key: sha256_of([Path(path)]) for key, path in named.items() if path is not None}


def _plain(tree: Any) -> Any:
    """Dictionaries, lists and scalars only: what YAML can hold."""
    if isinstance(tree, dict):
        return {str(key): _plain(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_plain(value) for value in tree]
    if tree is None or isinstance(tree, (bool, int, float, str)):
        return tree
    return _plain(vars(tree)) if hasattr(tree, "__dict__") else str(tree)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
