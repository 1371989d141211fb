"""The catalogue of ATT&CK: what a bundle tells, what is retired, what is refused, and the derived tables as oracle."""

from __future__ import annotations

import contextlib
import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stix_cases import (
    CLAW,
    DIG,
    FISH_SHELL,
    GONE,
    OBJECTS,
    SHELL,
    STRANGER,
    bundle,
    item,
    real_catalogue,
    relation,
    write_bundle,
)
from threatclip.errors import InputError
from threatclip.pairs.attack_catalogue import Catalogue, Software, load_catalogue
from threatclip.pairs.attack_reading import catalogue_of, cited_in
from threatclip.pairs.stix_bundle import newest, read_bundle


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return load_catalogue(write_bundle(tmp_path / "enterprise-attack.json"))


def test_a_bundle_becomes_a_catalogue_of_what_lives(catalogue: Catalogue) -> None:
    assert (catalogue.version, catalogue.domain) == ("16.1", "enterprise-attack")
    assert list(catalogue.techniques) == ["T9001", "T9001.001"]
    fish = catalogue.techniques["T9001.001"]
    assert (fish.parent, fish.tactics, fish.stix_id) == ("T9001", ("execution", "persistence"), FISH_SHELL["id"])
    assert catalogue.techniques["T9001"].platforms == ("Linux",)
    assert catalogue.groups["G9001"].aliases == ("APT-99", "TEMP.Sett")
    assert catalogue.software["S9001"].aliases == ("Claw v2.1",)
    assert (catalogue.software["S9002"].kind, catalogue.software["S9001"].kind) == ("tool", "malware")
    assert catalogue.campaigns["C9001"].groups == ("G9001",)
    assert catalogue.tactics["TA0002"].shortname == "execution"
    assert catalogue.group_software == (("G9001", "S9001"), ("G9001", "S9002"), ("G9002", "S9002"))
    assert catalogue.dangling == 1


def test_an_object_of_another_producer_goes_by_its_stix_id(catalogue: Catalogue) -> None:
    found = catalogue.find(STRANGER["id"])
    assert isinstance(found, Software)
    assert found.name == "Homebrew"
    assert catalogue.by_stix_id(STRANGER["id"]) == STRANGER["id"]
    assert catalogue.by_stix_id(SHELL["id"]) == "T9001"


def test_old_ids_lead_to_what_took_their_place(catalogue: Catalogue) -> None:
    assert catalogue.current("T9000") == "T9001.001"
    assert catalogue.current("T9009") is None
    assert catalogue.current("T1234") is None
    assert catalogue.name("T9000") == "Shells: Fish Shell"
    assert catalogue.name("T1234") == "T1234"
    assert catalogue.find("T9009") is None


def test_a_ring_of_revocations_ends() -> None:
    a, b = ({**item("tool", name, name), "revoked": True} for name in ("S0001", "S0002"))
    ring = [*OBJECTS, a, b, relation("revoked-by", a, b), relation("revoked-by", b, a)]
    assert catalogue_of(ring, where="ring").current("S0001") is None


def test_procedures_keep_their_actor_technique_and_reports(catalogue: Catalogue) -> None:
    by_actor = {one.actor: one for one in catalogue.procedures}
    assert set(by_actor) == {"G9001", "G9002", "S9001", "C9001"}
    assert by_actor["G9001"].citations == ("Den (2021) Report", "Sett")
    assert by_actor["G9001"].technique == "T9001.001"
    assert [catalogue.groups_of(by_actor[name]) for name in ("G9001", "S9001", "C9001")] == [("G9001",)] * 3
    shared = relation("uses", next(one for one in OBJECTS if one.get("name") == "Net"), SHELL, "x")
    made = catalogue_of([*OBJECTS, shared], where="b")
    assert made.groups_of(next(one for one in made.procedures if one.actor == "S9002")) == ("G9001", "G9002")


def test_citations_may_hold_parentheses() -> None:
    assert cited_in("a(Citation: A) (Citation: B (c) d)(Citation: A)(Citation: ") == ("A", "B (c) d")


def test_the_newest_version_of_an_object_counts() -> None:
    later = {**SHELL, "name": "Shells, renamed", "modified": "2022-01-01T00:00:00Z"}
    for objects in ([*OBJECTS, later], [later, *OBJECTS]):
        made = catalogue_of(newest(objects, where="b"), where="b")
        assert made.techniques["T9001"].name == "Shells, renamed"


def test_gzip_lists_and_boms_are_read(tmp_path: Path) -> None:
    text = json.dumps(OBJECTS).encode()
    for name, content in (("a.json.gz", gzip.compress(text)), ("b.json", b"\xef\xbb\xbf" + text)):
        (tmp_path / name).write_bytes(content)
        assert len(load_catalogue(tmp_path / name).techniques) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{}", "no STIX bundle"),
        (b"[1]", "object 1 is a JSON int"),
        (b'{"type": "bundle", "objects": {}}', "no STIX bundle"),
        (b"nope", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'[{"type": "tool", "id": "tool--1"}]', "object 1 has the id 'tool--1'"),
        (b'[{"type": "tool", "id": 7}]', "object 1 has the id '7'"),
        (b"[]", "holds no technique"),
        (gzip.compress(b"[]" + b" " * 5000, mtime=0)[:-12], "no whole gzip"),
        (b'["\\ud800"]', "is not JSON"),
    ],
)
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "b.json").write_bytes(content)
    with pytest.raises(InputError, match=says):
        load_catalogue(tmp_path / "b.json")


def test_a_gzip_bomb_is_refused_before_it_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threatclip.pairs.stix_bundle.BUNDLE_LIMIT_BYTES", 2**20)
    (tmp_path / "b.gz").write_bytes(gzip.compress(b" " * 2**24))
    with pytest.raises(InputError, match="more than"):
        read_bundle(tmp_path / "b.gz")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": ""}, "has no name"),
        ({"name": ["x"]}, "name is a JSON list"),
        ({"name": "x" * 501}, "longer than 500"),
        ({"kill_chain_phases": {}}, "kill_chain_phases is not a list"),
        ({"external_references": "T9001"}, "external_references is not a list"),
        ({"created": "yesterday"}, "created 'yesterday' is no time"),
        ({"x_mitre_platforms": [1]}, "x_mitre_platforms is not a list of texts"),
    ],
)
def test_a_broken_field_is_told_with_its_object(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    objects = [{**one, **change} if one is SHELL else one for one in OBJECTS]
    with pytest.raises(InputError, match=f"{SHELL['id']}: .*{says}"):
        load_catalogue(write_bundle(tmp_path / "b.json", objects))


def test_two_living_objects_of_one_id_are_refused(tmp_path: Path) -> None:
    twin = {**CLAW, "id": STRANGER["id"].replace("malware--", "malware--")[:-1] + "0"}
    with pytest.raises(InputError, match="the same ATT&CK id, S9001"):
        load_catalogue(write_bundle(tmp_path / "b.json", [*OBJECTS, twin]))
    gone = {**twin, "revoked": True}
    assert load_catalogue(write_bundle(tmp_path / "b.json", [*OBJECTS, gone])).current("S9001") == "S9001"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@given(
    number=st.integers(0, len(OBJECTS) - 1),
    name=st.sampled_from(
        "id type name created modified aliases external_references description kill_chain_phases source_ref target_ref "
        "relationship_type revoked x_mitre_version x_mitre_aliases x_mitre_shortname first_seen".split()
    ),
    value=JSON,
)
def test_any_value_in_any_field_is_read_or_refused(number: int, name: str, value: Any) -> None:
    objects = copy.deepcopy(OBJECTS)
    objects[number][name] = value
    with contextlib.suppress(InputError):
        catalogue_of(newest(bundle(objects)["objects"], where="b"), where="b")


def test_relations_to_what_is_not_there_are_counted() -> None:
    lost = relation("uses", DIG, GONE, "text")
    made = catalogue_of(
        [*OBJECTS, lost, {**lost, "id": STRANGER["id"].replace("malware", "relationship"), "target_ref": 3}], where="b"
    )
    assert made.dangling == 3


def _table(folder: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(folder / f"{name}.jsonl.gz") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.data
def test_the_real_bundle_agrees_with_the_tables_derived_from_it(data_dir: Path) -> None:
    folder = data_dir / "attack"
    found = real_catalogue(data_dir)
    tables = {name: _table(folder, name) for name in ("groups", "techniques", "software", "campaigns")}
    groups = {row["group_id"]: row for row in tables["groups"]}
    assert found.groups.keys() <= groups.keys()
    for key, group in found.groups.items():
        row = groups[key]
        assert (group.name, list(group.aliases), group.description) == (row["name"], row["aliases"], row["description"])
    techniques = {row["technique_id"]: row for row in tables["techniques"]}
    assert found.techniques.keys() <= techniques.keys()
    for key, one in found.techniques.items():
        row = techniques[key]
        told = (one.name, list(one.tactics), list(one.platforms), one.description, one.parent is not None)
        assert told == tuple(row[name] for name in ("name", "tactics", "platforms", "description", "is_subtechnique"))
        assert one.parent in (None, key.partition(".")[0])
    software = {row["software_id"]: row for row in tables["software"]}
    for key, program in found.software.items():
        row = software[key]
        told = (program.name, list(program.aliases), program.kind, program.description)
        assert told == tuple(row[name] for name in ("name", "aliases", "kind", "description"))
    campaigns = {row["campaign_id"]: row for row in tables["campaigns"]}
    for key, campaign in found.campaigns.items():
        assert [campaign.name, *campaign.aliases] == campaigns[key]["aliases"]
        assert list(campaign.groups) == campaigns[key]["group_ids"]
    pairs = {(row["group_id"], row["software_id"]) for row in _table(folder, "group_software")}
    assert set(found.group_software) <= pairs


@pytest.mark.data
def test_the_real_procedures_agree_with_the_tables_derived_from_them(data_dir: Path) -> None:
    folder = data_dir / "attack"
    found = real_catalogue(data_dir)
    rows = {
        row["rel_id"]: row for kind in ("group", "software", "campaign") for row in _table(folder, f"{kind}_procedures")
    }
    assert len(found.procedures) > 14_000
    for one in found.procedures:
        row = rows[one.stix_id]
        told = (one.actor_kind, one.actor, one.technique, one.text)
        assert told == (row["source"], row[f"{row['source']}_id"], row["technique_id"], row["text"])
        assert set(one.citations) == {name.strip() for name in row["citations"]}
