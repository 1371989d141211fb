"""MISP events: what PyMISP reads back, deterministic, nothing published, nothing for blocking."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pymisp import MISPEvent

from export_cases import ANSWERS, CATALOGUE, HOSTILE, INPUTS, answer, selection
from threatclip.export.inputs import Seen
from threatclip.export.misp import misp_event

EVENT = misp_event(selection(), inputs=INPUTS)


def read_back(event: dict[str, Any]) -> MISPEvent:
    found = MISPEvent()
    found.from_json(json.dumps(event))
    return found


def test_an_event_is_read_back_by_pymisp() -> None:
    found = read_back(EVENT)
    assert (found.info, found.published, str(found.date)) == ("Case 7", False, "2026-03-04")
    assert int(found.timestamp.timestamp()) == 1772600767
    by_id = {attribute.comment.partition(":")[0]: attribute for attribute in found.attributes}
    assert set(by_id) == {"s1", "s2", "p1", "i1", "g", "c", "t"}
    assert {tag.name for tag in by_id["s1"].tags} == {
        'misp-galaxy:mitre-attack-pattern="Fish Shell - T9001.001"',
        'estimative-language:likelihood-probability="very-likely"',
    }
    assert by_id["p1"].category == "Payload delivery"
    assert by_id["p1"].value == "GET /?q=<script>ÿ [2J"
    assert "CWE-79" in by_id["p1"].comment
    assert by_id["i1"].value == "i1"
    assert not any(attribute.to_ids for attribute in found.attributes)


def test_tags_of_the_event_are_those_of_its_attributes() -> None:
    names = {tag["name"] for tag in EVENT["Event"]["Tag"]}
    assert names == {
        'misp-galaxy:mitre-attack-pattern="Fish Shell - T9001.001"',
        'misp-galaxy:mitre-attack-pattern="Shells - T9001"',
        'misp-galaxy:mitre-intrusion-set="Sly Badger - G9001"',
        'misp-galaxy:mitre-tool="Net - S9002"',
        'threatclip:campaign="C9001"',
        'threatclip:weakness="xss"',
        'threatclip:model="ab12"',
    }


def test_an_event_comes_back_as_it_went() -> None:
    again = MISPEvent(force_timestamps=True)
    again.from_json(json.dumps(EVENT))
    assert json.loads(again.to_json()) == EVENT["Event"]
    assert misp_event(selection(), inputs=INPUTS) == EVENT


@pytest.mark.parametrize(
    ("probability", "word"),
    [(0.0, "almost-no-chance"), (0.5, "roughly-even-chance"), (0.79, "likely"), (1.0, "almost-certain")],
)
def test_probabilities_have_words(probability: float, word: str) -> None:
    event = misp_event(selection([answer("a", ("T9001", probability))]))
    assert f'estimative-language:likelihood-probability="{word}"' in json.dumps(event).replace('\\"', '"')


def test_hostile_text_goes_out_clean() -> None:
    hostile = {"s1": Seen(modality="text", view=HOSTILE.encode("utf-8", "surrogatepass"))}
    event = misp_event(selection(ANSWERS[:1], name=f'{HOSTILE}"', catalogue=CATALOGUE), inputs=hostile)
    text = json.dumps(event, ensure_ascii=False)
    text.encode("utf-8")
    assert not set(text) & set("\x1b\x00\u202e\uffff")
