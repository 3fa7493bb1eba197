"""fairseq-preprocess: from pieces to the binary data that fairseq trains on."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from sse_nmt.atomic_files import whole_file, whole_folder
from sse_nmt.children import last_line, utf8_environment
from sse_nmt.errors import UserError
from sse_nmt.progress import Progress

_MULTIPLE = 8  # of the dictionary's size, as fairseq makes it
_SPECIAL = 4  # symbols that fairseq adds
_LOOK = 0.5  # seconds between two looks at what is there
# fairseq-preprocess, which would go on alone where its parent is killed, and whose worker processes would wait for ever
# where it is. Importing fairseq takes seconds: it may be too late after that, or the parent be gone already.
_PREPROCESS = """
import os
from sse_nmt.machine import end_with_parent

def follow(parent):
    end_with_parent()
    if os.getppid() != parent:
        os._exit(1)

follow({parent})
os.register_at_fork(after_in_child=lambda parent=os.getpid(): follow(parent))
from fairseq.binarizer import FileBinarizer
from fairseq_cli.preprocess import cli_main
from sse_nmt.corpora.streaming.encode import encode_file
FileBinarizer.multiprocess_dataset = encode_file
cli_main()
"""


def binarise(
    pieces: Path,
    destination: Path,
    source_lang: str,
    target_lang: str,
    dictionary: Path | None = None,
    workers: int = 1,
    tokens: int | None = None,
) -> None:
    """Binarise ``pieces/{train,valid,test}.<lang>`` into ``destination``, with one dictionary for both languages.

    The dictionary is counted from the text unless one is given; ``tokens`` in all are for the progress bar.
    """
    with whole_folder(destination) as part, tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        command = [sys.executable, "-c", _PREPROCESS.format(parent=os.getpid())]
        command += ["--joined-dictionary", "--destdir", str(part)]
        command += ["--source-lang", source_lang, "--target-lang", target_lang, "--workers", str(workers)]
        command += [] if dictionary is None else ["--srcdict", str(dictionary)]
        for split in ("train", "valid", "test"):
            command += [f"--{split}pref", str(pieces / split)]
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, encoding="utf-8", env=utf8_environment()
        )
        try:
            _watch(process, part, tokens)
        finally:
            process.kill()
            process.wait()
        if process.returncode != 0:
            output.seek(0)
            raise UserError(f"fairseq-preprocess failed: {last_line(output.read())}")


def write_dictionary(path: Path, pieces: Iterable[str], counts: Mapping[str, int]) -> None:
    """fairseq's dictionary of ``pieces``, the most frequent first, filled up to a multiple of 8 as fairseq does."""
    ordered = sorted(pieces, key=lambda piece: -counts.get(piece, 0))
    with whole_file(path) as file:
        file.writelines(f"{piece} {counts.get(piece, 0)}\n" for piece in ordered)
        file.writelines(f"madeupword{i:04d} 0\n" for i in range(-(len(ordered) + _SPECIAL) % _MULTIPLE))


def _watch(process: subprocess.Popen[str], folder: Path, tokens: int | None) -> None:
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
