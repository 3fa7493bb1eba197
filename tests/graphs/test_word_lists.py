"""Word lists from small texts of ours in the formats of the packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from sse_nmt.graphs import word_lists
from sse_nmt.graphs.word_lists import fetch_word_lists, thesaurus_pairs, translation_pairs, wordnet_pairs
from sse_nmt.system.atomic_files import write_lines
from sse_nmt.system.errors import UserError

WORDNET = """\
  1 A licence, of some length.
00000001 00 n 03 hound 0 dog 0 domestic_dog 1 001 @ 00000002 n 0000 | an animal; "a dog barked"
00000002 00 s 02 asleep(p) 0 dormant 2 000 | at rest
00000003 00 v 01 bark 0 000 01 + 02 00 | what dogs do
00000004 00 n 0a a1 0 b-c 0 o'd 0 e 0 f_g 0 h 0 h 0 i2 0 J 0 k. 0 000 | ten words
"""
THESAURUS = """\
UTF-8
hund|2
-|Hund|Vierbeiner|Köter (derb) (ugs.)|Haustier (Oberbegriff)|Raubtier (ugs.) (Oberbegriff)|bester Freund|Wau(wau)
-|Hund|Hunt
köter|1
(Substantiv)|Hund|Köter (derb) (ugs.)
öffnen|1
-|aufmachen|aufziehen|öffnen (Hauptform)
"""
DING = """\
# Version :: of a dictionary
Hund {m} [zool.] | Hunde {pl} | ein Hund, der bellt :: dog; hound (Canis) | dogs | a barking dog
laufen; rennen {vi} | läuft :: to run {ran; run}; to dash /d./ | runs
etw. öffnen; jdn./etw. aufmachen {vt} :: to open sth.; to undo sb./sth.
Haus :: house | houses
nur deutsch
"""


def pairs(read, text: str) -> set[tuple[str, str]]:
    return set(read(text.splitlines()))


def test_words_of_a_synset():
    found = pairs(wordnet_pairs, WORDNET)
    assert {("dog", "hound"), ("asleep", "dormant")} <= found
    single = ["J", "b-c", "e", "h", "o'd"]
    assert found - {("dog", "hound"), ("asleep", "dormant")} == {
        (one, other) for one in single for other in single if one < other
    }


def test_synonyms_without_notes_and_wider_terms():
    assert pairs(thesaurus_pairs, THESAURUS) == {
        ("Hund", "Vierbeiner"), ("Hund", "Köter"), ("Hund", "Hunt"), ("aufmachen", "öffnen"), ("aufziehen", "öffnen"),
    }  # fmt: skip


def test_translations_phrase_by_phrase():
    assert pairs(translation_pairs, DING) == {
        ("Hund", "dog"), ("Hund", "hound"), ("Hunde", "dogs"),
        ("laufen", "run"), ("rennen", "run"), ("laufen", "dash"), ("rennen", "dash"), ("läuft", "runs"),
        ("öffnen", "open"), ("aufmachen", "open"), ("öffnen", "undo"), ("aufmachen", "undo"), ("Haus", "house"),
    }  # fmt: skip


def test_lists_are_sorted_and_each_pair_stands_once(tmp_path: Path, monkeypatch):
    share = tmp_path / "packages/{}/usr/share"
    for package, file, text in [
        ("wordnet-base", "wordnet/data.noun", WORDNET),
        ("wordnet-base", "wordnet/data.verb", WORDNET),
        ("mythes-de", "mythes/th_de_DE_v2.dat", THESAURUS),
        ("trans-de-en", "trans/de-en", DING),
    ]:
        path = Path(str(share).format(package)) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        write_lines(path, text.splitlines())
    fetched = []
    monkeypatch.setattr(word_lists, "fetch_packages", lambda *arguments: fetched.append(arguments))
    counts = {path.name: count for path, count in fetch_word_lists(tmp_path)}
    assert fetched == [(["wordnet-base", "mythes-de", "trans-de-en"], tmp_path / "packages", "fetch-lexicons")]
    assert counts == {"english.tsv": 12, "german.tsv": 5, "german-english.tsv": 13}
    lines = (tmp_path / "german.tsv").read_text(encoding="utf-8").splitlines()
    assert lines == sorted(lines) and lines[0] == "Hund\tHunt"
    (tmp_path / "packages/trans-de-en/usr/share/trans/de-en").unlink()
    with pytest.raises(UserError) as error:
        list(fetch_word_lists(tmp_path))
    assert str(error.value) == (
        f"`trans-de-en` must hold trans/de-en, but there is no such file below {str(share).format('trans-de-en')}."
    )


def test_without_apt_get_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError) as error:
        list(fetch_word_lists(tmp_path))
    assert (
        str(error.value) == "`fetch-lexicons` comes from Debian's packages and needs apt-get, which is not installed."
    )
