"""fairseq-preprocess: from pieces to the binary data that fairseq trains on."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sse_nmt.system.atomic_files import atomic_directory
from sse_nmt.system.child_processes import last_line, start_child
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import Progress

_LOOK = 0.5  # seconds between two looks at what is there


def binarise(
    prefixes: Mapping[str, Path],
    destination: Path,
    languages: tuple[str, str],
    dictionary: Path,
    workers: int,
    tokens: int,
) -> None:
    """Binarise PREFIX.<lang> of each split into ``destination``, with one dictionary for both languages.

    ``tokens`` in all are for the progress bar.
    """
    with atomic_directory(destination) as part, tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        command = [sys.executable, "-m", "sse_nmt.corpora.pipeline.fairseq_preprocess"]
        command += ["--joined-dictionary", "--destdir", str(part)]
        command += ["--source-lang", languages[0], "--target-lang", languages[1], "--workers", str(workers)]
        command += ["--srcdict", str(dictionary)]
        for split, prefix in prefixes.items():
            command += [f"--{split}pref", str(prefix)]
        process = start_child(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            _watch(process, part, tokens)
        finally:
            process.kill()
            process.wait()
        if process.returncode != 0:
            output.seek(0)
            raise UserError(f"fairseq-preprocess failed: {last_line(output.read())}")


def _watch(process: subprocess.Popen[str], folder: Path, tokens: int) -> None:
    """Wait for the end; the binary data has two bytes a token, or four with more than 65,500 pieces."""
    with Progress(tokens, "binarising", "tokens") as progress:
        seen = 0
        while process.poll() is None:
            try:
                process.wait(_LOOK)
            except subprocess.TimeoutExpired:
                there = sum(path.stat().st_size for path in folder.glob("*.bin")) // 2
                progress.advance(there - seen)
                seen = there
