"""README and pages tell the truth: commands parse, Python runs, generated pages and pictures are those of the code."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest
from conftest import ROOT, run_command
from ctranslate2.converters import fairseq as fairseq_converter
from fairseq import options, utils
from forked import run_forked

from sse_nmt.cli import build_parser

sys.path.insert(0, str(ROOT / "scripts"))
import make_reference
import make_study_page

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in PAGES}
TOOLS = {"fairseq-train", "fairseq-generate", "ct2-fairseq-converter", "sse-nmt", "torchrun", "srun", "cat", "."}
TOOLS |= {"python", "env"}
LONGEST_README = 200  # lines


def blocks(page: Path, language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", TEXT[page], re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


COMMANDS = {
    tuple(shlex.split(line)): page
    for page in TEXT
    for block in blocks(page, "sh")
    for line in block.replace("\\\n", " ").splitlines()
}


def commands(*programs: str) -> pytest.MarkDecorator:
    """Those of these programs, wherever they stand in the line."""
    found = [command for command in COMMANDS if any(program in command for program in programs)]
    return pytest.mark.parametrize("command", found, ids=" ".join)


def test_the_programs_are_known():
    for command, page in COMMANDS.items():
        assert command[0] in TOOLS or (command[0].startswith("./scripts/") and page), f"{page}: {command[0]}"


@commands("sse-nmt")
def test_sse_nmt_commands_parse_and_their_configurations_are_there(command):
    parsed = build_parser().parse_args(list(command[command.index("sse-nmt") + 1 :]))
    for system in getattr(parsed, "systems", []):
        assert (ROOT / system.partition("=")[0]).is_file()


@commands("fairseq-train", "fairseq-generate")
def test_fairseq_commands_parse(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    make = {"fairseq-train": options.get_training_parser, "fairseq-generate": options.get_generation_parser}
    words = list(command[1:])
    utils.import_user_module(options.get_training_parser().parse_known_args(words)[0])
    task = words[words.index("--task") + 1]
    parsed = options.parse_args_and_arch(make[command[0]](default_task=task), input_args=words)
    assert parsed.task == task
    if task == "translation_sse":
        assert parsed.sse_prob == 0.01


@commands("ct2-fairseq-converter")
def test_ctranslate2_commands_parse(command, monkeypatch):
    parsed = []
    monkeypatch.setattr(fairseq_converter.FairseqConverter, "convert_from_args", lambda _, args: parsed.append(args))
    monkeypatch.setattr("sys.argv", list(command))
    fairseq_converter.main()
    assert [args.model_path for args in parsed] == ["plain.pt"]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0].startswith("./scripts")], ids=" ".join)
def test_scripts_are_there_and_know_their_options(command):
    assert os.access(ROOT / command[0], os.X_OK)
    if Path(command[0]).stem in ("quickstart", "eval_newstest", "reproduce_paper_tables"):
        usage = run_command(str(ROOT / command[0]), "--help").stdout
        assert all(word in usage for word in command[1:] if word.startswith("--"))


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[:1] == ("python",) and "examples/" in c[1]], ids=" ".join)
def test_examples_are_there_and_know_their_options(command):
    code = (ROOT / command[1]).read_text(encoding="utf-8")
    assert all(f'"{word}"' in code for word in command if word.startswith("--"))


@pytest.mark.parametrize("page", [page for page in TEXT if blocks(page, "python")], ids=str)
def test_python_runs(page, tmp_path):
    """All blocks of a page, one after the other."""
    code = tmp_path / "page.py"
    code.write_text("\n".join(blocks(page, "python")), encoding="utf-8")

    def run() -> None:
        os.chdir(ROOT)
        runpy.run_path(str(code), run_name="__main__")

    run_forked(run, tmp_path / "log")  # torch is loaded here already


def test_there_is_python_on_the_pages_that_need_it():
    with_python = {str(page) for page in TEXT if blocks(page, "python")}
    assert {"README.md", "docs/methods/sse.md", "docs/design/add-a-transition.md"} <= with_python


@pytest.mark.parametrize("path", make_reference.pages(), ids=lambda path: path.name)
def test_generated_pages_are_those_of_the_code(path):
    assert path.read_text(encoding="utf-8") == make_reference.pages()[path], "run scripts/make_reference.py"


def test_the_pages_of_studies_are_those_of_the_results():
    made = make_study_page.pages()
    assert ROOT / "docs/results/study.md" in made
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, "run scripts/make_study_page.py"
    assert make_study_page.named() == {path.parent.name for path in (ROOT / "results").glob("*/*.*.*.xz")}


def test_the_pictures_of_studies_are_those_of_the_results():
    drawn = make_study_page.pictures()
    assert drawn and set(drawn) == set((ROOT / "docs/results").glob("*.svg"))
    for path, picture in drawn.items():
        assert path.read_text(encoding="utf-8") == picture, "run scripts/make_study_page.py"


def test_the_readme_is_short_and_its_links_lead_somewhere():
    readme = TEXT[Path("README.md")]
    assert len(readme.splitlines()) <= LONGEST_README
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT[Path(page)]):
            assert target.startswith("https://") or (ROOT / target).exists(), f"{page}: {target}"


def test_every_page_is_in_the_contents():
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    index = TEXT[Path("docs/index.md")]
    for path in (ROOT / "docs").rglob("*.md"):
        name = str(path.relative_to(ROOT / "docs"))
        assert f": {name}\n" in contents and (name == "index.md" or f"]({name})" in index), name


def test_side_effects_are_where_the_page_says():
    page = TEXT[Path("docs/reference/side-effects.md")]
    places = re.findall(r"^\| .*? \| `(sse_nmt/[\w/]+\.py)` \|", page, re.MULTILINE)
    assert len(places) >= 9 and all((ROOT / place).is_file() for place in places)


def test_nothing_is_left_to_fill_in():
    for path in (*PAGES, *(ROOT / "configs").rglob("*.yaml")):
        assert not re.search(r"@[A-Z]+@|TODO|FIXME", path.read_text(encoding="utf-8")), path


def test_names_of_files_in_pages_are_there():
    """Every path of this repository that a page names."""
    for page, text in TEXT.items():
        for name in re.findall(r"`((?:sse_nmt|tests|scripts|configs|docs|results)/[\w./-]*[\w/])`", text):
            assert "NAME" in name or (ROOT / name).exists(), f"{page}: {name}"
