"""The leak report: each leak is counted where it is made, and nowhere else."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path

import pytest
from auditing_cases import text_pairs

from stix_cases import write_bundle
from threatclip.errors import InputError
from threatclip.experiments.auditing.leak_text import leak_rows, leak_warnings
from threatclip.experiments.auditing.leaks import Leaks, find_leaks
from threatclip.experiments.auditing.names import read_names
from threatclip.experiments.auditing.rewordings import reworded_rows
from threatclip.pairs.pair import Pair

SENTENCE = "the group sent mails with a document that ran a script and fetched a second program from a server"


def found(pairs: list[Pair], names: dict[str, tuple[str, ...]] | None = None) -> Leaks:
    return find_leaks(pairs, modality="text", names=names or {})


def pair(number: int, text: str, **facts: str) -> Pair:
    return Pair(id=str(number), view=text.encode(), **{"label": "G1", "split": "train", **facts})  # type: ignore[arg-type]


def test_an_honest_table_has_nothing_to_warn_of() -> None:
    pairs = [dataclasses.replace(one, group=f"{one.split}-{one.group}") for one in text_pairs(60)]
    assert leak_warnings(found(pairs)) == []


@pytest.mark.parametrize("text", ["apt-28 used it", "It was APT 28.", "the Fancy  bear group", "G1 did this"])
def test_names_of_the_label_are_found_on_word_borders(text: str) -> None:
    names = {"G1": ("APT28", "APT-28", "Fancy Bear")}
    assert found([pair(1, text), pair(2, "g10 or apt280 or fancybears")], names).label_names.count == 1


def test_citations_are_marks_of_a_source() -> None:
    texts = [
        "(Citation: Report 2020)",
        "as told [3]",
        "see https://vendor.example/x",
        "Smith et al. 2020",
        "a[0] = 1; [ 2 ]",
    ]
    leaks = found([pair(n, f"{text} word{n}") for n, text in enumerate(texts)])
    assert leaks.citations.count == 4


def test_sources_that_stand_in_both_parts_are_counted() -> None:
    pairs = [
        pair(1, "a (Citation: One)"),
        pair(2, "b (Citation: One)", split="test"),
        pair(3, "c (Citation: Two)", split="test"),
    ]
    assert found(pairs).shared_citations["test in train"].count == 1


def test_rows_made_from_one_row_are_siblings() -> None:
    pairs = [
        pair(1, "one"),
        dataclasses.replace(pair(2, "two", split="test"), meta={"source_row": "1"}),
        Pair(id="1-aug-3", view=b"three", label="G1", split="test"),
        Pair(id="9-aug-3", view=b"four", label="G1", split="test"),
    ]
    leaks = found(pairs)
    assert leaks.siblings["test in train"].count == 2
    assert any("augmented before the split" in one for one in leak_warnings(leaks))


def test_rewordings_of_the_same_label_are_counted() -> None:
    reworded = SENTENCE.replace("mails", "letters").replace("fetched", "loaded")
    other = "an actor dumped credentials of domain administrators with a common tool on several hosts of one victim"
    assert reworded_rows([(reworded, "G1")], [(SENTENCE, "G1")]) == 1
    assert reworded_rows([(reworded, "G1")], [(SENTENCE, "G2")]) == 0
    assert (
        reworded_rows([(other, "G1"), ("short words here", "G1")], [(SENTENCE, "G1"), ("short words here", "G1")]) == 0
    )
    leaks = found([pair(1, SENTENCE), pair(2, reworded, split="test")])
    assert leaks.rewordings["test in train"].value == 1


def test_duplicates_groups_and_conflicts_are_counted() -> None:
    pairs = [
        pair(1, SENTENCE, group="r"),
        pair(2, SENTENCE, group="r", split="test"),
        pair(3, SENTENCE, label="G2"),
        pair(4, "quite another sentence about nothing in particular"),
    ]
    leaks = found(pairs)
    assert (leaks.duplicates.count, leaks.conflicting.count, leaks.near_duplicates.count) == (2, 3, 2)
    rows = {key: rate.count for key, _, rate in leak_rows(leaks)}
    assert rows["exact_duplicates.test in train"] == rows["shared_groups.test in train"] == 1
    assert "rate" in leaks.as_dict()["duplicates"]


def test_names_come_from_json_or_json_lines(tmp_path: Path) -> None:
    plain, lines = tmp_path / "names.json", tmp_path / "groups.jsonl"
    plain.write_text('{"G1": ["APT28"]}')
    lines.write_text('{"group_id": "G1", "name": "APT28", "aliases": ["Fancy Bear"]}\n{"id": "G2", "aliases": null}\n')
    assert read_names(plain) == {"G1": ("APT28",)}
    assert read_names(lines) == {"G1": ("APT28", "Fancy Bear"), "G2": ()}


@pytest.mark.parametrize("name", ["attack.json", "attack.json.gz"])
def test_names_come_from_attacks_own_bundle(tmp_path: Path, name: str) -> None:
    path = write_bundle(tmp_path / "attack.json")
    if name.endswith(".gz"):
        path = tmp_path / name
        path.write_bytes(gzip.compress((tmp_path / "attack.json").read_bytes()))
    names = read_names(path)
    assert names["G9001"][0] == "Sly Badger"
    assert names["T9001.001"] == ("Fish Shell",)
    assert {"S9002", "C9001"} <= names.keys()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("n.json", "[]"),
        ("n.json", "{"),
        ("n.json", '{"G1": "APT28"}'),
        ("n.jsonl", ""),
        ("n.jsonl", '{"name": "APT28"}\n'),
        ("n.jsonl", '{"id": "G1", "aliases": [1]}\n'),
        ("n.jsonl", "no json\n"),
    ],
)
def test_files_without_names_are_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError):
        read_names(tmp_path / name)
