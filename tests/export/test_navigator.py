"""Navigator layers keep the format's rules and say what the answers said."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from layer_schema import LAYER

from export_cases import ANSWERS, CATALOGUE, HOSTILE, answer, selection
from threatclip.errors import InputError
from threatclip.export.navigator import navigator_layer

VALIDATOR = Draft202012Validator(LAYER)


def test_a_layer_keeps_the_format() -> None:
    for domain, version in (("enterprise-attack", "16.1"), ("ics-attack", None)):
        layer = json.loads(json.dumps(navigator_layer(selection(), domain=domain, attack_version=version)))
        assert list(VALIDATOR.iter_errors(layer)) == []
        assert layer["versions"].get("attack") == (version and "16")
    assert list(VALIDATOR.iter_errors({**layer, "techniques": [{"techniqueID": "1059"}]}))


def test_a_techniques_score_is_its_surest_answer() -> None:
    layer = navigator_layer(selection())
    told = {one["techniqueID"]: (one["score"], one["comment"]) for one in layer["techniques"]}
    assert told == {"T9001.001": (80.0, "Fish Shell: 2 answers"), "T9001": (40.0, "Shells: 1 answer")}
    assert {"name": "answer", "value": "s2 (50%)"} in layer["techniques"][1]["metadata"]
    assert "Sly Badger (G9001), 1 times" in layer["description"]


def test_the_layers_answers_come_back() -> None:
    layer = navigator_layer(selection())
    counted = {one["techniqueID"]: int(one["metadata"][0]["value"]) for one in layer["techniques"]}
    assert sum(counted.values()) == sum(pick.reference.kind == "technique" for pick in selection().picks)
    assert {"name": "model", "value": "ab12"} in layer["metadata"]


def test_without_a_technique_there_is_no_layer() -> None:
    with pytest.raises(InputError, match="only group, weakness; a Navigator layer shows techniques"):
        navigator_layer(selection([answer("g", ("G9001", 0.5)), answer("x", ("xss", 0.5))]))


def test_ids_without_a_catalogue_are_taken_at_their_word() -> None:
    layer = navigator_layer(selection([answer("x", ("T1059.001", 0.5))], catalogue=None))
    assert layer["techniques"][0]["links"][0]["url"] == "https://attack.mitre.org/techniques/T1059/001"


def test_hostile_names_are_clean() -> None:
    layer = navigator_layer(selection([*ANSWERS[:1]], name=HOSTILE, catalogue=CATALOGUE))
    assert layer["name"] == "a[31mbc d"
