"""TLP: what STIX 2.1 itself defines, what OASIS adds, and that nothing that tells of the inputs goes out unmarked."""

from __future__ import annotations

import json

import pytest
import stix2
from pymisp import MISPEvent
from stix_faults import faults

from export_cases import INPUTS, selection
from threatclip.errors import InputError
from threatclip.export.misp import misp_event
from threatclip.export.navigator import navigator_layer
from threatclip.export.stix import stix_bundle
from threatclip.export.tlp import TLPS, Tlp, tlp_marking, tlp_of


@pytest.mark.parametrize(("tlp", "theirs"), [("clear", "WHITE"), ("green",) * 2, ("amber",) * 2, ("red",) * 2])
def test_marks_are_those_that_the_standard_defines(tlp: Tlp, theirs: str) -> None:
    assert tlp_marking(tlp) == json.loads(getattr(stix2.v21, f"TLP_{theirs.upper()}").serialize())


@pytest.mark.parametrize("tlp", TLPS)
def test_all_that_tells_of_inputs_is_marked(tlp: Tlp) -> None:
    bundle = stix_bundle(selection(tlp=tlp), inputs=INPUTS)
    assert faults(bundle) == []
    read = stix2.parse(json.dumps(bundle), allow_custom=False, version="2.1")
    assert len(read.objects) == len(bundle["objects"])
    mark = tlp_marking(tlp)
    assert bundle["objects"][0] == mark
    told = [one for one in bundle["objects"] if one["type"] not in ("marking-definition", "identity", "vulnerability")]
    assert {tuple(one["object_marking_refs"]) for one in told} == {(mark["id"],)}
    assert {one["type"] for one in told} >= {"report", "note", "observed-data", "artifact", "file", "relationship"}


def test_another_level_is_another_object() -> None:
    ids = [{one["id"] for one in stix_bundle(selection(tlp=tlp))["objects"]} for tlp in (None, "green", "red")]
    identity = {one for one in ids[0] if one.startswith(("identity--", "vulnerability--"))}
    assert ids[0] & ids[1] == ids[1] & ids[2] == identity


def test_events_and_layers_tell_it_too() -> None:
    event = MISPEvent()
    event.from_json(json.dumps(misp_event(selection(tlp="amber+strict"))))
    assert "tlp:amber+strict" in {tag.name for tag in event.tags}
    layer = navigator_layer(selection(tlp="amber+strict"))
    assert {"name": "TLP", "value": "TLP:AMBER+STRICT"} in layer["metadata"]
    assert layer["description"].startswith("TLP:AMBER+STRICT. ")
    assert "tlp" not in json.dumps([misp_event(selection()), navigator_layer(selection())]).lower()


def test_levels_are_read_as_people_write_them() -> None:
    assert [tlp_of(text) for text in ("TLP:AMBER", " amber+strict", "White", "clear")] == [
        *("amber", "amber+strict", "clear", "clear"),
    ]
    with pytest.raises(InputError, match=r"TLP 'purple' is none of clear, green, amber, amber\+strict, red"):
        tlp_of("purple")
