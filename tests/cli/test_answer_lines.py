"""What people read of an answer: "don't know" comes first, groups bear their names, sentences their places."""

from __future__ import annotations

from typing import Any

from threatclip.cli.answer_lines import for_people

CASE = {
    **{"kind": "known case", "id": "relationship--1", "label": "G0001", "technique": "T1001", "cosine": 0.5},
    **{"caption": "ACTOR ran fish.", "sentence": "They ran \x1b[2Jfish.", "start": 7, "end": 21, "page": 2},
}


def answer(*claims: tuple[str, str, float], abstained: bool, **more: Any) -> dict[str, Any]:
    ranked = [{"label": label, "name": name, "probability": share} for label, name, share in claims]
    return {"id": "r.pdf", "answers": ranked, "abstained": abstained, "evidence": [], **more}


UNKNOWN, BADGER, OTTER = ("unknown", "unknown group", 0.5), ("G0001", "Sly Badger", 0.3), ("G0002", "Otter", 0.2)


def test_an_unknown_group_is_no_name() -> None:
    said = for_people(answer(UNKNOWN, BADGER, OTTER, abstained=True))
    assert said.splitlines() == [
        "r.pdf: don't know: unknown group 50.0%; of those known at best Sly Badger (G0001) 30.0%",
        "    then Otter (G0002) 20.0%",
    ]
    unsure = for_people(answer(BADGER, OTTER, UNKNOWN, abstained=True))
    assert unsure.splitlines()[0] == "r.pdf: don't know; at best Sly Badger (G0001) 30.0%"
    assert unsure.splitlines()[1] == "    then Otter (G0002) 20.0%, unknown 50.0%"
    named = for_people(answer(BADGER, OTTER, abstained=False))
    assert named.startswith("r.pdf: Sly Badger (G0001) 30.0%\n")


def test_evidence_leads_to_its_place() -> None:
    counted = {"kind": "sentences", "read": 6, "counted": 5}
    *_, case, told = for_people(answer(BADGER, abstained=False, evidence=[CASE, counted])).splitlines()
    assert case.startswith("    for G0001: ")
    assert "(characters 7 to 21, page 2) is like relationship--1 (T1001, cosine 0.50): ACTOR ran fish." in case
    assert "\x1b" not in case
    assert told == "    sentences: 6 read, 5 near a known procedure and counted"
    alone = {name: value for name, value in CASE.items() if name not in ("start", "end", "page")}
    assert "characters" not in for_people(answer(BADGER, abstained=False, evidence=[alone]))
