"""Pairs of a STIX bundle: sentence, technique, label, the reports that keep splits apart; what is broken."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stix_cases import BADGER, FISH_SHELL, OBJECTS, SHELL, relation, write_bundle
from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources.rows import SkippedRow
from threatclip.pairs.sources.stix import Stix
from threatclip.pairs.stix_bundle import newest


def read(path: Path, **options: Any) -> list[Any]:
    return list(Stix(**options).read(path))


def test_a_procedure_becomes_a_pair(tmp_path: Path) -> None:
    rows = read(write_bundle(tmp_path / "b.json"))
    assert [type(row) for row in rows] == [Pair] * 4
    pair = next(row for row in rows if row.meta["actor"] == "G9001")
    assert pair.view == b"ACTOR ran fish, and MALWARE too."
    assert pair.caption == "Fish Shell. Fish (the shell) is abused."
    assert (pair.label, pair.group) == ("T9001.001", "Den (2021) Report | Sett")
    assert pair.time == datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert pair.meta == {
        "source": "group",
        "actor": "G9001",
        "actor_name": "Sly Badger",
        "technique": "T9001.001",
        "citations": "Den (2021) Report | Sett",
    }


@pytest.mark.parametrize(
    ("label", "labels"),
    [
        ("technique", {"G9001": "T9001.001", "G9002": "T9001", "S9001": "T9001", "C9001": "T9001"}),
        ("parent_technique", dict.fromkeys(("G9001", "G9002", "S9001", "C9001"), "T9001")),
        ("tactic", dict.fromkeys(("G9001", "G9002", "S9001", "C9001"), "execution")),
        ("group", {"G9001": "G9001", "G9002": "G9002", "S9001": "G9001", "C9001": "G9001"}),
    ],
)
def test_labels_are_what_was_asked_for(tmp_path: Path, label: str, labels: dict[str, str]) -> None:
    rows = read(write_bundle(tmp_path / "b.json"), label=label)
    assert {row.meta["actor"]: row.label for row in rows} == labels


def test_software_of_two_groups_tells_of_neither(tmp_path: Path) -> None:
    net = next(one for one in OBJECTS if one.get("name") == "Net")
    rows = read(
        write_bundle(tmp_path / "b.json", [*OBJECTS, relation("uses", net, SHELL, "Net is run.")]), label="group"
    )
    assert next(row for row in rows if row.meta["actor"] == "S9002").label is None


def test_names_and_actors_are_chosen(tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "b.json")
    (kept,) = read(path, names="keep", actors="software")
    assert kept.view == b"ClawLoader opens a shell."
    (raw,) = read(path, names="raw", actors="campaign")
    assert raw.view == b"During Operation Dig, shells were opened.(Citation: Sett)"


def test_a_use_without_a_sentence_is_skipped_and_without_a_report_goes_by_its_actor(tmp_path: Path) -> None:
    silent = relation("uses", BADGER, SHELL)
    uncited = relation("uses", BADGER, SHELL, "It did.")
    rows = read(write_bundle(tmp_path / "b.json", [*OBJECTS, silent, uncited]))
    assert [row.reason for row in rows if isinstance(row, SkippedRow)] == ["no sentence"]
    assert next(row for row in rows if isinstance(row, Pair) and row.view == b"It did.").group == "G9001"


def test_a_broken_object_is_a_bad_row_and_the_rest_is_read(tmp_path: Path) -> None:
    objects = copy.deepcopy(OBJECTS)
    objects[[one["id"] for one in objects].index(FISH_SHELL["id"])]["name"] = 7
    rows = read(write_bundle(tmp_path / "b.json", objects))
    (bad,) = [row for row in rows if isinstance(row, BadRow)]
    assert "name is a JSON int" in bad.reason
    assert bad.line == 1 + [one["id"] for one in objects].index(FISH_SHELL["id"])
    assert {row.meta["actor"] for row in rows if isinstance(row, Pair)} == {"G9002", "S9001", "C9001"}


def test_a_bundle_without_uses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tells of no use of a technique"):
        read(write_bundle(tmp_path / "b.json", [SHELL]))


FIELDS = "name description created external_references source_ref target_ref revoked kill_chain_phases modified".split()
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=3), max_size=2)


@given(number=st.integers(0, len(OBJECTS) - 1), name=st.sampled_from(FIELDS), value=VALUES)
def test_any_value_in_any_field_is_a_row(number: int, name: str, value: Any) -> None:
    objects = copy.deepcopy(OBJECTS)
    objects[number][name] = value
    rows = list(Stix().rows(newest(objects, where="b"), Path("b")))
    assert all(isinstance(row, Pair | BadRow | SkippedRow) for row in rows)


@pytest.mark.data
def test_the_real_bundle_is_read_whole(data_dir: Path) -> None:
    rows = read(data_dir / "attack" / "enterprise-attack-to-2024.json.gz", label="group")
    assert (len(rows), {type(row) for row in rows}) == (14_239, {Pair})
    assert sum(row.label is not None for row in rows) > 9_000
