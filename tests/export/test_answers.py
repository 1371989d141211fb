"""Answers are read as hostile JSON; what is picked of them, and what labels refer to."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_cases import ANSWERS, CATALOGUE, HOSTILE, answer, selection, write_answers
from threatclip.errors import InputError
from threatclip.export.answers import read_answers
from threatclip.export.references import refer
from threatclip.export.text import clean, clean_lines

GOOD = {"id": "a", "answers": [{"label": "T1", "name": "n", "probability": 0.5}], "abstained": False, "model": "m"}


def test_answers_come_back_as_they_were_written(tmp_path: Path) -> None:
    assert list(read_answers(write_answers(tmp_path / "a.jsonl"))) == ANSWERS


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": 7}, "id is no text"),
        ({"id": "\x00"}, "id holds no visible character"),
        ({"answers": []}, "answers is no list of claims"),
        ({"answers": [3]}, "a claim is no object"),
        ({"answers": [{"label": "x", "probability": True}]}, "a probability is no number"),
        ({"answers": [{"label": "x", "probability": 1.5}]}, "probability 1.5 is not in"),
        ({"answers": [{"probability": 0.5}]}, "label is no text"),
        ({"abstained": 0}, "abstained is neither"),
    ],
)
def test_what_is_no_answer_is_told_with_its_line(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(GOOD | {"id": "b"}) + "\n" + json.dumps(GOOD | change) + "\n")
    with pytest.raises(InputError, match=f"a.jsonl:2: {says}"):
        list(read_answers(tmp_path / "a.jsonl"))


def test_lines_that_are_no_json_and_ids_twice_are_refused(tmp_path: Path) -> None:
    for text in ("nope\n", json.dumps(GOOD) + "\n" + json.dumps(GOOD) + "\n"):
        (tmp_path / "a.jsonl").write_text(text)
        with pytest.raises(InputError, match="give the JSON Lines of `threatclip classify`"):
            list(read_answers(tmp_path / "a.jsonl"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["label", "name", "probability"]), inner)
    ),
    max_leaves=5,
)


@given(name=st.sampled_from(["id", "answers", "abstained", "model"]), value=JSON)
def test_any_value_in_any_field_is_read_or_refused(tmp_path_factory: Any, name: str, value: Any) -> None:
    path = tmp_path_factory.mktemp("answers") / "a.jsonl"
    path.write_text(json.dumps(GOOD | {name: value}) + "\n")
    with contextlib.suppress(InputError):
        list(read_answers(path))


def test_picks_are_the_first_claims_that_are_sure_enough() -> None:
    found = selection()
    assert [(p.answer.id, p.reference.id) for p in found.picks] == [
        *(("s1", "T9001.001"), ("s2", "T9001.001"), ("p1", "xss"), ("i1", "T9001")),
        *(("g", "G9001"), ("c", "C9001"), ("t", "S9002")),
    ]
    assert (found.n_answers, found.abstained, found.below, found.unknown) == (9, 1, 0, {"floodwater": 1})
    assert found.picks[0].confidence == 80
    assert [p.answer.id for p in selection(least=0.5).picks] == ["s1", "s2", "p1", "t"]
    assert [p.reference.id for p in selection(top=2).picks][:2] == ["T9001.001", "T9001"]


def test_nothing_to_export_says_why() -> None:
    with pytest.raises(InputError, match=r"1 answers, 0 abstained, 0 below 0.0, labels that are not ATT&CK's: flood"):
        selection([answer("u", ("flood", 1.0))])
    with pytest.raises(InputError, match="has no zone"):
        selection(created=datetime(2026, 1, 1))


def test_labels_refer_to_attack_or_to_weaknesses() -> None:
    assert refer("T9000", "x", CATALOGUE) == refer("T9001.001", "y", CATALOGUE)
    assert refer("T9009", "x", CATALOGUE) is None
    unchecked = refer("T1059.001", "PowerShell", None)
    assert unchecked is not None
    assert (unchecked.kind, unchecked.url) == ("technique", "https://attack.mitre.org/techniques/T1059/001")
    assert refer("T1059.1", "x", None) is None
    weakness = refer("xss", "anything", None)
    assert weakness is not None
    assert (weakness.kind, weakness.url, weakness.cwe[0]) == ("weakness", None, 79)
    tool = refer("S9002", "x", CATALOGUE)
    assert tool is not None
    assert (tool.kind, tool.name) == ("tool", "Net")


def test_text_is_cleaned_and_cut() -> None:
    assert clean(HOSTILE, limit=50) == "a[31mbc d"
    assert clean_lines(HOSTILE, limit=50) == "a[31mbc\nd"
    assert clean("x" * 99, limit=10) == "xxxxxxx..."
    assert clean("\ufeff \u2028", limit=5) == ""


@given(st.text(), st.integers(4, 30))
def test_cleaned_text_is_one_bounded_line_of_utf_8(text: str, limit: int) -> None:
    cleaned = clean(text, limit=limit)
    assert len(cleaned) <= limit
    assert len(cleaned.encode("utf-8").splitlines()) <= 1
    assert clean(cleaned, limit=limit) == cleaned
