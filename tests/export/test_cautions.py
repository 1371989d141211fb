"""What a model says against its own answer goes out with it, and what strangers write there is bounded."""

from __future__ import annotations

import json
from dataclasses import replace

from stix_faults import faults

from export_cases import ANSWERS, selection
from threatclip.export.answers import answer_of
from threatclip.export.misp import misp_event
from threatclip.export.navigator import navigator_layer
from threatclip.export.stix import stix_bundle

CLAIM = {"label": "T9001", "name": "Shells", "probability": 0.5}
WARNED = [replace(one, cautions=("not calibrated",)) for one in ANSWERS]


def test_cautions_go_out_once() -> None:
    chosen = selection(WARNED)
    bundle, layer, event = stix_bundle(chosen), navigator_layer(chosen), misp_event(chosen)
    assert faults(bundle) == []
    for written in (bundle, layer, event):
        assert json.dumps(written).count("Caution: not calibrated") == 1
    for written in (stix_bundle(selection()), navigator_layer(selection()), misp_event(selection())):
        assert "Caution" not in json.dumps(written)


def test_only_texts_are_cautions_and_only_a_few() -> None:
    told = [{"kind": "caution", "text": f"no {n}\x1b" + "x" * 9_000} for n in range(9)]
    strange = [3, {"kind": "caution"}, {"kind": "caution", "text": 5}, {"kind": "known case", "text": "no"}]
    found = answer_of({"id": "a", "answers": [CLAIM], "abstained": False, "evidence": [*strange, *told]})
    assert len(found.cautions) == 5
    assert all(len(text) <= 500 and "\x1b" not in text for text in found.cautions)
    assert answer_of({"id": "a", "answers": [CLAIM], "abstained": False, "evidence": "no"}).cautions == ()
