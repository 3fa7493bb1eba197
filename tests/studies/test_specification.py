"""What a study may say, and the sentence for what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from conftest import ROOT, refused
from hydra.core.utils import setup_globals

from sse_nmt.corpora.catalogue import CORPORA
from sse_nmt.evaluation.options import TEXT_NAMES
from sse_nmt.studies.cells import cells_of
from sse_nmt.studies.specification import read_study

GOOD = {
    "corpora": {
        "own": {"prepare": "files", "source": "a.en", "target": "a.de", "vocab_size": 80},
        "help": {"prepare": "libreoffice-help", "target-lang": "eu", "sizes": [100, 200], "max_ratio": 2.5,
                 "set": {"model.dropout": 0.1, "task.sse_prob": 0.05}},
    },
    "systems": {
        "baseline": {"config": "plain.yaml"},
        "sse": {"config": "plain.yaml", "set": {"task.sse_prob": 0.02, "lr": [0.5], "x.y": None, "z": True}},
    },
    "seeds": [1, 7],
    "updates": 20,
    "set": {"model.dropout": 0.3},
    "average": 2,
    "texts": ["valid", "test"],
    "evaluate": {"beam": 2, "length-penalty": 0.6},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain.yaml").write_text("task: {}\nmodel: {}\n")
    return tmp_path


def written(folder: Path, tree: object) -> Path:
    path = folder / "s.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


def test_cells_and_their_commands(folder):
    study = read_study(written(folder, GOOD))
    assert [corpus.name for corpus in study.corpora] == ["own", "help-100", "help-200"]
    help_words = ["libreoffice-help", "--target-lang=eu", "--max-ratio=2.5", "--pairs=100"]
    assert study.corpora[1].prepare.words == help_words
    cells = cells_of(study, Path("out"))
    (first,) = cells_of(study, Path("out"), ["help-100/sse/1"])
    assert first.training.command == ["prepare", "libreoffice-help", "out/data/help-100", *help_words[1:]]
    assert len(cells) == 12 and cells[0].name == "own/baseline/1" and study.baseline == "baseline"
    assert [cell.seed for cell in cells] == [1] * 6 + [7] * 6
    words = cells_of(study, Path("out"), ["help-200/sse/1"])[0].commands()[0]
    assert [word for word in words if "dropout" in word or "prob" in word] == [
        "model.dropout=0.3", "model.dropout=0.1", "task.sse_prob=0.05", "task.sse_prob=0.02"
    ]  # fmt: skip
    run = "out/own/sse/7"
    assert cells_of(study, Path("out"), ["own/sse/7"])[0].commands() == [
        ["train", "out/data/own", f"{folder}/plain.yaml={run}", "--name", "sse", "--seed", "7", "--jobs", "1",
         "--updates", "20", "--set", "model.dropout=0.3", "--set", "task.sse_prob=0.02", "--set", "lr=[0.5]",
         "--set", "x.y=null", "--set", "z=true"],
        ["average", run, "--last", "2", "--output", "checkpoint_average.pt"],
        *(["evaluate", run, "--split", text, "--checkpoint", "checkpoint_average.pt", "--beam=2",
           "--length-penalty=0.6"] for text in ("valid", "test")),
    ]  # fmt: skip


def test_only_takes_what_a_pattern_matches(folder, capsys):
    study = read_study(written(folder, GOOD))
    names = [cell.name for cell in cells_of(study, Path("out"), ["help-*/sse/*", "own/*/1"])]
    assert names == [
        "own/baseline/1", "own/sse/1", "help-100/sse/1", "help-200/sse/1", "help-100/sse/7", "help-200/sse/7",
    ]  # fmt: skip
    said = refused(capsys, "study", "s.yaml", "--only", "nothing")
    assert said == "`--only` must match a cell, such as own/baseline/1 or own/*, but 'nothing' matches none."


def test_a_text_from_elsewhere_and_a_preparation_of_a_systems_own(folder):
    elsewhere = {"gnome": {"prepare": "gnome-help", "target_lang": "de"}}
    sampled = {"config": "plain.yaml", "prepare": {"sampled_copies": 3}}
    tree = GOOD | {"systems": {"baseline": {"config": "plain.yaml"}, "sampled": sampled}}
    tree["corpora"] = {"help": {"prepare": "libreoffice-help", "texts": elsewhere}}
    plain, own = cells_of(read_study(written(folder, tree)), Path("out"), ["*/*/1"])
    assert plain.training.command == ["prepare", "libreoffice-help", "out/data/help"]
    assert own.training.command == ["prepare", "libreoffice-help", "out/data/help@sampled", "--sampled-copies=3"]
    (text,) = plain.elsewhere.values()
    assert text.command == ["prepare", "gnome-help", "out/texts/help/gnome", "--target-lang=de"]
    assert plain.texts == ["valid", "test", "gnome"] and own.commands()[0][1] == "out/data/help@sampled"
    assert plain.commands()[-1][:4] == ["evaluate", "out/help/baseline/1", "--text", "out/texts/help/gnome"]
    assert plain.references("gnome", "de") == Path("out/texts/help/gnome/text/test.de")
    assert own.references("test", "de") == Path("out/data/help@sampled/text/test.de")


def test_numbers_may_be_in_quotes_as_on_the_command_line(folder):
    corpora = {"help": {"prepare": "libreoffice-help", "pairs": "100", "max_ratio": 2, "target_lang": "no"}}
    (corpus,) = read_study(written(folder, changed(corpora=corpora))).corpora
    assert corpus.prepare.options == {"pairs": 100, "max_ratio": 2.0, "target_lang": "no"}


@pytest.mark.parametrize("value", ["${hydra:job.num}", [7], "some", True])
def test_settings_that_no_training_takes_are_left_to_it(folder, value):
    setup_globals()  # hydra's resolvers, as where fairseq has been imported
    written(folder, changed(set={"checkpoint.save_interval_updates": value}, updates=2))
    assert read_study(folder / "s.yaml").average == 2


def test_what_refers_to_nothing_is_refused_before_it_is_asked_for(folder, capsys):
    settings = {"checkpoint.save_interval_updates": "${nope}"}
    written(folder, changed(set=settings))
    said = refused(capsys, "study", "s.yaml", "--list")
    assert said == (
        "A configuration must refer to nothing but what it has, but does: Interpolation key 'nope' not found."
    )


def test_a_graph_of_each_corpus(folder):
    systems = {"baseline": {"config": "plain.yaml"},
               "along": {"config": "plain.yaml", "graph": {"build": "pivot", "max-neighbours": 5}}}  # fmt: skip
    plain, cell = cells_of(read_study(written(folder, GOOD | {"systems": systems})), Path("out"), ["own/*/1"])
    text, graph = cell.preparations
    assert plain.preparations == [text] and plain.graph is None and graph.needs == [text] and not graph.done
    path = "out/graphs/own.along.npz"
    assert graph.command == ["graph", "build", "pivot", path, "--data", "out/data/own", "--max-neighbours=5"]
    train = cell.commands()[0]
    assert [word for word in train if word.startswith("task.sse_graph")] == [
        f"task.sse_graph_{side}={path}" for side in ("source", "target")
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "configs/studies").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_studies_at_hand_can_be_read(path):
    study = read_study(path)
    assert cells_of(study, Path("out")) and study.baseline in {system.name for system in study.systems}


def test_the_state_is_listed(folder, capsys):
    from conftest import sse_nmt_here

    written(folder, GOOD)
    sse_nmt_here("study", "s.yaml", "--list")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["corpus", "system", "seed", "state", "updates", "valid.", "loss"]
    assert lines[1].split() == ["own", "baseline", "1", "waiting"] and lines[-1] == "12 cells: 12 waiting"


def test_a_study_of_one_system_says_before_it_trains_that_there_will_be_nothing_to_compare(folder, capsys):
    from conftest import sse_nmt_here

    tree = {"corpora": {"own": GOOD["corpora"]["own"]}, "systems": {"sse": {"config": "plain.yaml"}}, "seeds": [1]}
    written(folder, tree)
    with pytest.raises(SystemExit, match="1"):  # there is no a.en
        sse_nmt_here("study", "s.yaml")
    first, *_ = capsys.readouterr().err.splitlines()
    assert first == "sse is the only system of the study: a report needs another to compare it with."


def changed(**changes: object) -> dict[str, object]:
    return {**GOOD, **changes}


BAD = {
    "unknown key": (changed(seed=1), "s.yaml must have keys among average, baseline, corpora, evaluate, seeds, set, "
                    "slurm, systems, texts, updates, but has 'seed'."),
    "no seeds": (changed(seeds=[]), "s.yaml must have `seeds`, but has none."),
    "seeds": (changed(seeds=[1, 1]), "`seeds` in s.yaml must all differ, but are [1, 1]."),
    "negative seed": (changed(seeds=[-1]), "`seeds` in s.yaml must be whole numbers from 0 on, but -1 is none."),
    "true": (changed(average=True), "`average` in s.yaml must be whole numbers from 0 on, but True is none."),
    "list": (["a"], "s.yaml must be the YAML file of a study, with keys and values, but is not."),
    "names": (changed(systems={"a/b": {}}), "A name in `systems` of s.yaml must be letters, digits, and . _ + - "
              "within, and none of data, graphs, logs, texts, but is 'a/b' instead."),
    "taken": (changed(corpora={"data": {}}), "A name in `corpora` of s.yaml must be letters, digits, and . _ + - "
              "within, and none of data, graphs, logs, texts, but is 'data' instead."),
    "no corpus": (changed(corpora={"x": {}}), "`corpora.x` in s.yaml must name what `sse-nmt prepare` makes, "
                  "`prepare: CORPUS`, but does not."),
    "sizes": (changed(corpora={"x": {"prepare": "files", "sizes": [5], "pairs": 3}}),
              "`corpora.x.sizes` in s.yaml must be a list of numbers of pairs, in place of `pairs`."),
    "sizes alike": (changed(corpora={"x": {"prepare": "files", "sizes": [5, 5]}}),
                    "Corpora in s.yaml must have names of their own, but x-5 are 2."),
    "size and name": (changed(corpora={"x": {"prepare": "files", "sizes": [5]}, "x-5": {"prepare": "files"}}),
                      "Corpora in s.yaml must have names of their own, but x-5 are 2."),
    "dot": (changed(corpora={"a.b": {"prepare": "files"}}),
            "The name of a corpus in s.yaml must be without a `.`, but is 'a.b' instead."),
    "text from elsewhere": (changed(corpora={"x": {"prepare": "files", "texts": {"valid": {}}}}),
                            f"A name in `corpora.x.texts` of s.yaml must be {TEXT_NAMES.words}, but is 'valid' "
                            "instead."),
    "text of nothing": (changed(corpora={"x": {"prepare": "files", "texts": {"y": {}}}}),
                        "`corpora.x.texts.y` in s.yaml must name what `sse-nmt prepare` makes, `prepare: CORPUS`, but "
                        "does not."),
    "list of texts": (changed(corpora={"x": {"prepare": "files", "texts": ["y"]}}), "`corpora.x.texts` in s.yaml must "
                      "be names, each with its keys and values, but is ['y'] instead."),
    "preparation": (changed(systems={"a": {"config": "plain.yaml", "prepare": {"seeds": 1}}}), "`systems.a.prepare` in "
                    "s.yaml must have options among "),
    "value": (changed(corpora={"x": {"prepare": "files", "pairs": [3]}}),
              "`corpora.x.pairs` in s.yaml must be a number or text, but is [3] instead."),
    "no whole number": (changed(corpora={"x": {"prepare": "files", "pairs": 2.5}}),
                        "`corpora.x.pairs` in s.yaml must be a whole number, but is 2.5 instead."),
    "no number": (changed(evaluate={"length_penalty": "much"}),
                  "`evaluate.length_penalty` in s.yaml must be a number, but is 'much' instead."),
    "out of range": (changed(evaluate={"beam": 0}), "`evaluate.beam` in s.yaml must be at least 1, but is 0 instead."),
    "no, the language": (changed(corpora={"x": {"prepare": "libreoffice-help", "target_lang": False}}),
                         "`corpora.x.target_lang` in s.yaml must be a number or text, but is False instead: put yes, "
                         "no, on, off in quotes."),
    "unknown corpus": (changed(corpora={"x": {"prepare": "help"}}),
                       "`corpora.x` in s.yaml cannot be prepared: The corpus must be one of "
                       f"{', '.join(CORPORA)}, but is 'help' instead."),
    "of another corpus": (changed(corpora={"x": {"prepare": "libreoffice-help", "source": "a.en"}}),
                          "`corpora.x` in s.yaml cannot be prepared: `--source` is no option of the corpus "
                          "libreoffice-help."),
    "a system's own": (changed(systems={"a": {"config": "plain.yaml", "prepare": {"source": "a.en"}}}),
                       "`systems.a.prepare` in s.yaml cannot be prepared: `--source` is no option of the corpus "
                       "libreoffice-help."),
    "another language": (changed(corpora={"x": {"prepare": "libreoffice-help", "target_lang": "eu",
                                                "texts": {"y": {"prepare": "gnome-help"}}}}),
                         "`corpora.x.texts.y` in s.yaml must be en–eu, as its corpus, but is en–de instead: give "
                         "`source_lang` and `target_lang`."),
    "average": (changed(average=3, set={"checkpoint.no_epoch_checkpoints": True}),
                "`average` in s.yaml must be at most the checkpoints that a training keeps, but is 3 where "
                "own/baseline keeps 0: set `checkpoint.save_interval_updates` and `checkpoint.keep_interval_updates`."),
    "average of few": (changed(average=3, set={"checkpoint.save_interval_updates": 9}),
                       "`average` in s.yaml must be at most the checkpoints that a training keeps, but is 3 where "
                       "own/baseline keeps 2: set `checkpoint.save_interval_updates` and "
                       "`checkpoint.keep_interval_updates`."),
    "seed": (changed(set={"common.seed": 3}), "`set` in s.yaml must be without `common.seed`: a study has `seeds`."),
    "graph": (changed(systems={"a": {"config": "plain.yaml", "graph": {"build": "lexicon"}}}), "`systems.a.graph` in "
              "s.yaml must name a builder, `build: pivot or spelling`, but is {'build': 'lexicon'} instead."),
    "no configuration": (changed(systems={"a": {"config": "b.yaml"}}),
                         "`systems.a.config` in s.yaml must be a configuration, but there is no b.yaml."),
    "system": (changed(systems={"a": {"config": "plain.yaml", "seed": 1}}),
               "`systems.a` in s.yaml must have the keys config, set, prepare and graph, but has 'seed'."),
    "settings": (changed(set=[1]), "`set` in s.yaml must be keys of the configuration and their values, but is [1]."),
    "baseline": (changed(baseline="x"), "`baseline` in s.yaml must be one of baseline, sse, but is 'x' instead."),
    "slurm": (changed(slurm={"gpu": 1}), "`slurm` in s.yaml must have keys among partition, gpus, cpus, memory_gb, "
              "minutes, array, options, cluster, but has 'gpu'."),
    "slurm's number": (changed(slurm={"array": "3"}), "`slurm.array` in s.yaml must be whole numbers from 1 on, but "
                       "'3' is none."),
    "slurm's minutes": (changed(slurm={"minutes": 1}), "`slurm.minutes` in s.yaml must be at least 3, since a job is "
                        "told 90 seconds before its end, but is 1 instead."),
    "slurm's text": (changed(slurm={"options": "x"}), "`slurm.options` in s.yaml must be dict, but is 'x' instead."),
    "cluster": (changed(slurm={"cluster": "x"}), "`slurm.cluster` in s.yaml must be slurm or local, but is 'x' "
                "instead."),
    "texts": (changed(texts=["train"]), "`texts` in s.yaml must be a list of test, valid, but is ['train'] instead."),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_studies_get_one_sentence(folder, capsys, case):
    tree, sentence = BAD[case]
    written(folder, tree)
    said = refused(capsys, "study", "s.yaml")
    assert said == sentence or (sentence.endswith(" among ") and said.startswith(sentence))
    assert sorted(path.name for path in folder.iterdir()) == ["plain.yaml", "s.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        "a: [", "\x00", "!!python/object/apply:os.system ['touch broken']", "seeds: [1]\nseeds: [2]",
        "systems: {sse: {config: a}, sse: {config: b}}", "updates: 2024-13-45", f"seeds: {'1' * 5000}",
    ],
    ids=["open", "binary", "code", "twice", "twice within", "no date", "long number"],
)  # fmt: skip
def test_what_is_no_yaml_is_said_to_be_none(folder, capsys, text):
    (folder / "s.yaml").write_text(text)
    assert refused(capsys, "study", "s.yaml").startswith("s.yaml must be the YAML file of a study, but is not: ")
    assert not (folder / "broken").exists()


def test_what_is_nested_too_deeply_is_said_to_be(folder, capsys):
    (folder / "s.yaml").write_text("[" * 3000)
    assert refused(capsys, "study", "s.yaml") == "s.yaml must be the YAML file of a study, but is nested too deeply."


def test_options_that_commands_do_not_have(folder, capsys):
    written(folder, changed(evaluate={"beams": 1}))
    assert "`evaluate` in s.yaml must have options among" in refused(capsys, "study", "s.yaml")
    assert "but there is no such file." in refused(capsys, "study", "other.yaml")
