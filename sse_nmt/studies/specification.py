"""A study as its YAML file says it: corpora, systems, seeds, and how cells are trained and scored."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from sse_nmt.corpora.catalogue import options_for
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.evaluation.options import SPLITS, TEXT_NAMES, EvaluateOptions
from sse_nmt.graphs.options import PivotOptions, SpellingOptions
from sse_nmt.studies.averaging import check_averages
from sse_nmt.studies.command_options import Asked, read_options
from sse_nmt.studies.slurm_settings import CLUSTERS, LEAST_MINUTES, WARNING, SlurmSettings
from sse_nmt.studies.study import DATA, GRAPHS, LOGS, TEXTS, CorpusOfStudy, Study, SystemOfStudy, TextOfStudy
from sse_nmt.studies.yaml_file import read_yaml
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import names

_KINDS: dict[str, type] = {"int": int, "str": str, "dict": dict}  # of `SlurmSettings`
_NAMES = names()
_KEYS = {"corpora", "systems", "seeds", "texts", "average", "evaluate", "set", "updates", "baseline", "slurm"}
_BUILDERS: dict[str, Any] = {"pivot": PivotOptions, "spelling": SpellingOptions}  # of nothing but the corpus
_TAKEN = {DATA, LOGS, TEXTS, GRAPHS}


def read_study(path: Path) -> Study:
    """The study in a YAML file; paths of configurations in it are seen from its folder.

    Raises:
        UserError: no such file, no YAML, or something in it that cannot be, by name.
    """
    tree = read_yaml(path)
    for key in tree:
        if key not in _KEYS:
            raise UserError(f"{path} must have keys among {', '.join(sorted(_KEYS))}, but has {key!r}.")
    for key in ("corpora", "systems", "seeds"):
        if not tree.get(key):
            raise UserError(f"{path} must have `{key}`, but has none.")
    corpora = [each for name, value in _entries(path, tree, "corpora") for each in _corpora(path, name, value)]
    _check_named_once(path, corpora)
    systems = [_system(path, name, value) for name, value in _entries(path, tree, "systems")]
    for corpus, system in itertools.product(corpora, systems):
        _prepared(path, f"systems.{system.name}.prepare", corpus.prepare.but(system.prepare))
    names = [system.name for system in systems]
    baseline = tree.get("baseline", names[0])
    if baseline not in names:
        raise UserError(f"`baseline` in {path} must be one of {', '.join(names)}, but is {baseline!r} instead.")
    texts = tree.get("texts", ["test"])
    if not isinstance(texts, list) or not texts or any(text not in SPLITS for text in texts):
        raise UserError(f"`texts` in {path} must be a list of {', '.join(SPLITS)}, but is {texts!r} instead.")
    updates = tree.get("updates")
    study = Study(
        corpora, systems, _seeds(path, tree["seeds"]), _settings(path, "set", tree), texts,
        _number(path, "average", tree.get("average", 0), 0),
        read_options(path, "evaluate", tree.get("evaluate", {}), EvaluateOptions),
        None if updates is None else _number(path, "updates", updates, 1), baseline,
        _slurm(path, tree.get("slurm", {})),
    )  # fmt: skip
    check_averages(path, study)
    return study


def _slurm(path: Path, entry: Any) -> SlurmSettings:
    if not isinstance(entry, dict):
        raise UserError(f"`slurm` in {path} must be keys and values, but is {entry!r} instead.")
    known = {each.name: each for each in fields(SlurmSettings)}
    for key, value in entry.items():
        if key not in known:
            raise UserError(f"`slurm` in {path} must have keys among {', '.join(known)}, but has {key!r}.")
        wanted = _KINDS[str(known[key].type).split()[0].split("[")[0]]
        if wanted is int:
            _number(path, f"slurm.{key}", value, 0 if key == "gpus" else 1)
        elif not isinstance(value, wanted):
            raise UserError(f"`slurm.{key}` in {path} must be {wanted.__name__}, but is {value!r} instead.")
    settings = SlurmSettings(**entry)
    if settings.cluster not in CLUSTERS:
        known_ones = " or ".join(CLUSTERS)
        raise UserError(f"`slurm.cluster` in {path} must be {known_ones}, but is {settings.cluster!r} instead.")
    if settings.minutes < LEAST_MINUTES:
        raise UserError(
            f"`slurm.minutes` in {path} must be at least {LEAST_MINUTES}, since a job is told {WARNING} seconds before "
            f"its end, but is {settings.minutes} instead."
        )
    return settings


def _entries(path: Path, tree: Mapping[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    value = tree[key]
    if not isinstance(value, dict):
        raise UserError(f"`{key}` in {path} must be names, each with its keys and values, but is {value!r} instead.")
    for name, entry in value.items():
        if not isinstance(name, str) or not _NAMES.holds(name) or name in _TAKEN:
            raise UserError(
                f"A name in `{key}` of {path} must be {_NAMES.words}, and none of "
                f"{', '.join(sorted(_TAKEN))}, but is {name!r} instead."
            )
        if not isinstance(entry, dict):
            raise UserError(f"`{key}.{name}` in {path} must be keys and values, but is {entry!r} instead.")
    return list(value.items())


def _corpora(path: Path, name: str, entry: dict[str, Any]) -> list[CorpusOfStudy]:
    """One, or with `sizes` one of each size, named NAME-SIZE."""
    where = f"corpora.{name}"
    settings, texts = _settings(path, f"{where}.set", entry), _texts(path, f"{where}.texts", entry.get("texts", {}))
    rest = {key: value for key, value in entry.items() if key not in ("set", "texts")}
    sizes = rest.pop("sizes", None)
    asked = _prepare(path, where, rest)
    _check_languages(path, where, asked, texts)
    if sizes is None:
        return [CorpusOfStudy(name, asked, settings, texts)]
    if not isinstance(sizes, list) or not sizes or "pairs" in rest:
        raise UserError(f"`{where}.sizes` in {path} must be a list of numbers of pairs, in place of `pairs`.")
    numbers = [_number(path, f"{where}.sizes", size, 1) for size in sizes]
    return [
        CorpusOfStudy(f"{name}-{size}", asked.but({"pairs": size}), settings, texts, (name, size)) for size in numbers
    ]


def _check_named_once(path: Path, corpora: Sequence[CorpusOfStudy]) -> None:
    """A corpus of a size has a name that is made here."""
    names = [corpus.name for corpus in corpora]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"Corpora in {path} must have names of their own, but {name} are {names.count(name)}.")
        if "." in name:  # which parts the names of files: CORPUS.SYSTEM.SEED
            raise UserError(f"The name of a corpus in {path} must be without a `.`, but is {name!r} instead.")


def _texts(path: Path, where: str, value: Any) -> list[TextOfStudy]:
    if not isinstance(value, dict):
        raise UserError(f"`{where}` in {path} must be names, each with its keys and values, but is {value!r} instead.")
    for name, entry in value.items():
        if not isinstance(name, str) or name in SPLITS or not TEXT_NAMES.holds(name):
            raise UserError(f"A name in `{where}` of {path} must be {TEXT_NAMES.words}, but is {name!r} instead.")
        if not isinstance(entry, dict):
            raise UserError(f"`{where}.{name}` in {path} must be keys and values, but is {entry!r} instead.")
    return [TextOfStudy(name, _prepare(path, f"{where}.{name}", entry)) for name, entry in value.items()]


def _prepare(path: Path, where: str, entry: dict[str, Any]) -> Asked:
    rest = dict(entry)
    corpus = rest.pop("prepare", None)
    if not isinstance(corpus, str):
        raise UserError(f"`{where}` in {path} must name what `sse-nmt prepare` makes, `prepare: CORPUS`, but does not.")
    asked = Asked(corpus, PrepareOptions, read_options(path, where, rest, PrepareOptions))
    _prepared(path, where, asked)
    return asked


def _prepared(path: Path, where: str, asked: Asked) -> PrepareOptions:
    """With the defaults of the corpus. Raises UserError for options that are not for it."""
    try:
        return options_for(asked.what, asked.options)
    except UserError as error:
        raise UserError(f"`{where}` in {path} cannot be prepared: {error}") from None


def _check_languages(path: Path, where: str, corpus: Asked, texts: Sequence[TextOfStudy]) -> None:
    """A text's are those of the corpus, whose trainings translate it."""
    first, *others = [_languages(_prepared(path, where, each)) for each in (corpus, *(text.prepare for text in texts))]
    for text, languages in zip(texts, others, strict=True):
        if languages != first:
            raise UserError(
                f"`{where}.texts.{text.name}` in {path} must be {first}, as its corpus, but is {languages} instead: "
                "give `source_lang` and `target_lang`."
            )


def _languages(options: PrepareOptions) -> str:
    return f"{options.source_lang}–{options.target_lang}"


def _system(path: Path, name: str, entry: dict[str, Any]) -> SystemOfStudy:
    where = f"systems.{name}"
    for key in entry:
        if key not in ("config", "set", "prepare", "graph"):
            raise UserError(f"`{where}` in {path} must have the keys config, set, prepare and graph, but has {key!r}.")
    if not isinstance(entry.get("config"), str):
        raise UserError(f"`{where}` in {path} must name a configuration, `config: FILE`, but does not.")
    configuration = path.parent / entry["config"]
    if not configuration.is_file():
        raise UserError(f"`{where}.config` in {path} must be a configuration, but there is no {configuration}.")
    prepare = read_options(path, f"{where}.prepare", entry.get("prepare", {}), PrepareOptions)
    graph = _graph(path, f"{where}.graph", entry["graph"]) if "graph" in entry else None
    return SystemOfStudy(name, configuration, _settings(path, f"{where}.set", entry), prepare, graph)


def _graph(path: Path, where: str, entry: Any) -> Asked:
    builder = entry.get("build") if isinstance(entry, dict) else None
    if not isinstance(builder, str) or builder not in _BUILDERS:
        known = " or ".join(_BUILDERS)
        raise UserError(f"`{where}` in {path} must name a builder, `build: {known}`, but is {entry!r} instead.")
    rest = {key: value for key, value in entry.items() if key != "build"}
    return Asked(builder, _BUILDERS[builder], read_options(path, where, rest, _BUILDERS[builder]))


def _settings(path: Path, where: str, entry: Mapping[str, Any]) -> list[str]:
    value = entry.get("set", {})
    if not isinstance(value, dict):
        raise UserError(f"`{where}` in {path} must be keys of the configuration and their values, but is {value!r}.")
    if "common.seed" in value:
        raise UserError(f"`{where}` in {path} must be without `common.seed`: a study has `seeds`.")
    return [f"{key}={_as_word(each)}" for key, each in value.items()]


def _as_word(value: Any) -> str:
    """A value as it stands in YAML, on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**9).strip()
    return text.removesuffix("...").strip()


def _seeds(path: Path, value: Any) -> list[int]:
    seeds = [_number(path, "seeds", seed, 0) for seed in (value if isinstance(value, list) else [value])]
    if len(set(seeds)) < len(seeds):
        raise UserError(f"`seeds` in {path} must all differ, but are {value!r}.")
    return seeds


def _number(path: Path, where: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UserError(f"`{where}` in {path} must be whole numbers from {least} on, but {value!r} is none.")
    return value
