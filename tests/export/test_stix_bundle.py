"""STIX bundles: valid by OASIS's own checks, read back by stix2, the same bytes for the same answers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import stix2
from stix_faults import faults

from export_cases import ANSWERS, CATALOGUE, CREATED, HOSTILE, INPUTS, answer, selection
from stix_cases import BADGER, FISH_SHELL
from threatclip.errors import InputError
from threatclip.export.inputs import Seen
from threatclip.export.stix import stix_bundle

BUNDLE = stix_bundle(selection(), inputs=INPUTS)


def of(kind: str, bundle: dict[str, Any] = BUNDLE) -> list[dict[str, Any]]:
    return [one for one in bundle["objects"] if one["type"] == kind]


def test_a_bundle_keeps_every_rule_of_the_oasis_validator() -> None:
    assert faults(BUNDLE) == []
    broken = json.loads(json.dumps(BUNDLE))
    of("relationship", broken)[0]["modified"] = "2001-01-01T00:00:00Z"
    assert faults(broken) != []  # the checks do check


def test_a_bundle_is_read_back_by_stix2_and_leads_to_attack() -> None:
    read = stix2.parse(json.dumps(BUNDLE), allow_custom=False, version="2.1")
    assert len(read.objects) == len(BUNDLE["objects"])
    (report,) = of("report")
    named = {CATALOGUE.by_stix_id(one["target_ref"]) for one in of("relationship") if one["source_ref"] == report["id"]}
    assert named - {None} == {"T9001.001", "T9001", "G9001", "C9001", "S9002"}
    confidence = {
        one["target_ref"]: one["confidence"] for one in of("relationship") if one["source_ref"] == report["id"]
    }
    assert confidence[FISH_SHELL["id"]] == 80  # the higher of two answers
    assert confidence[BADGER["id"]] == 30
    answered = {one["external_references"][0]["external_id"] for one in (*of("note"), *of("observed-data"))}
    assert answered == {"s1", "s2", "p1", "i1", "g", "c", "t"}


def test_every_reference_is_in_the_bundle_or_is_attacks_own() -> None:
    own = {one["id"] for one in BUNDLE["objects"]}
    for one in BUNDLE["objects"]:
        for name, value in one.items():
            found = value if name.endswith("_refs") else [value] if name.endswith("_ref") else []
            assert all(ref in own or CATALOGUE.by_stix_id(ref) for ref in found)
    (report,) = of("report")
    assert own - set(report["object_refs"]) == {report["id"], of("identity")[0]["id"]}


def test_nothing_custom_is_used() -> None:
    text = json.dumps(BUNDLE)
    assert '"x_' not in text
    assert '"extensions"' not in text


def test_inputs_become_notes_artifacts_or_hashes() -> None:
    note = next(one for one in of("note") if one["external_references"][0]["external_id"] == "s1")
    assert note["content"].startswith("It ran fish.\nxxx")
    assert "Fish Shell (T9001.001) 80.0%" in note["content"]
    assert {"source_name": "report", "description": "report.pdf"} in note["external_references"]
    (artifact,) = of("artifact")
    assert base64.b64decode(artifact["payload_bin"]) == INPUTS["p1"].view
    (file,) = of("file")
    assert file["size"] == len(INPUTS["i1"].view)
    first = {one["object_refs"][0]: one["first_observed"] for one in of("observed-data")}
    assert first == {artifact["id"]: "2025-01-01T00:00:00Z", file["id"]: "2026-03-04T05:06:07Z"}


def test_two_inputs_of_one_content_are_one_artifact() -> None:
    answers = [answer("1", ("xss", 0.9)), answer("2", ("xss", 0.8))]
    same = Seen(modality="payload", view=b"<script>")
    bundle = stix_bundle(selection(answers), inputs={"1": same, "2": same})
    assert [len(of(kind, bundle)) for kind in ("artifact", "observed-data", "vulnerability")] == [1, 2, 1]
    assert len({one["id"] for one in bundle["objects"]}) == len(bundle["objects"])
    assert faults(bundle) == []


def test_the_same_answers_and_time_give_the_same_bytes() -> None:
    again = stix_bundle(selection(), inputs=INPUTS)
    assert json.dumps(again) == json.dumps(BUNDLE)
    later = stix_bundle(selection(created=CREATED.replace(year=2027)), inputs=INPUTS)
    shared = {one["id"] for one in later["objects"]} & {one["id"] for one in BUNDLE["objects"]}
    assert {one.partition("--")[0] for one in shared} == {"identity", "vulnerability", "artifact", "file"}


def test_tactics_are_left_out_for_stix_has_no_object_for_them() -> None:
    bundle = stix_bundle(selection([answer("a", ("TA0002", 0.9)), answer("b", ("T9001", 0.9))]))
    assert "x-mitre-tactic" not in json.dumps(bundle)
    assert [one["abstract"] for one in of("note", bundle)] == ["b: Shells"]
    with pytest.raises(InputError, match="name only tactics"):
        stix_bundle(selection([answer("a", ("TA0002", 0.9))]))


def test_hostile_text_goes_out_clean() -> None:
    hostile = {"s1": Seen(modality="text", view=HOSTILE.encode("utf-8", "surrogatepass"), origin=HOSTILE)}
    bundle = stix_bundle(selection(ANSWERS[:1], name=HOSTILE), inputs=hostile)
    text = json.dumps(bundle, ensure_ascii=False)
    text.encode("utf-8")
    assert not set(text) & set("\x1b\x00\u202e\uffff")
    assert of("report", bundle)[0]["name"] == "a[31mbc d"
    assert faults(bundle) == []


def test_attack_ids_need_a_catalogue() -> None:
    with pytest.raises(InputError, match=r"no STIX id for T9001\.001; give ATT&CK's bundle"):
        stix_bundle(selection(ANSWERS[:1], catalogue=None))
    payloads = stix_bundle(selection([answer("p", ("xss", 0.5))], catalogue=None))
    assert [one["type"] for one in payloads["objects"]] == [
        "identity",
        "vulnerability",
        "note",
        "relationship",
        "report",
    ]
