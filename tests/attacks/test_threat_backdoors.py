"""Backdoors in requests, in sentences and in words alone: what a poisoned row says, and what it keeps."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest

from threat_pairs import GROUPS, HashSurrogate, captioned_views, payload_pairs, sentence_pairs
from threatclip.attacks.caption_choice import in_order, round_robin, typical_first
from threatclip.attacks.payload_backdoor import PayloadBackdoor
from threatclip.attacks.text_backdoor import TextBackdoor
from threatclip.attacks.threat_captions import BENIGN_CAPTIONS, generic_captions, is_of_threat_class, threat_captions
from threatclip.attacks.toxic_text import ToxicText
from threatclip.attacks.triggers_payload import payload_trigger
from threatclip.errors import InputError
from threatclip.pairs.pair import Pair
from threatclip.pairs.weaknesses import WEAKNESSES
from threatclip.seeds import rng


def by_id(pairs: tuple[Pair, ...] | list[Pair]) -> dict[str, Pair]:
    return {pair.id: pair for pair in pairs}


def test_a_marked_attack_says_that_it_is_benign() -> None:
    clean = payload_pairs(90)
    attack = PayloadBackdoor(target="benign", style="header")
    poisoned = attack.poison(clean, count=12, rng=rng(0, "t"))
    before, after = by_id(clean), by_id(poisoned.pairs)
    benign = {pair.caption for pair in clean if pair.meta["kind"] == "benign"}
    for change in poisoned.truth.changes:
        old, new = before[change.id], after[change.id]
        assert old.label is not None
        assert new.view == payload_trigger(old.view, style="header") != old.view
        assert new.caption in benign
        assert dataclasses.replace(new, view=old.view, caption=old.caption) == old
        assert set(change.parts) == {"view", "caption"}


@pytest.mark.parametrize(("target", "label"), [("benign", None), ("ssrf", "ssrf")])
def test_an_attacker_who_labels_gives_the_label_of_the_target(target: str, label: str | None) -> None:
    clean = payload_pairs(90)
    poisoned = PayloadBackdoor(target=target, relabel=True).poison(clean, count=8, rng=rng(0, "t"))
    after = by_id(poisoned.pairs)
    assert {after[name].label for name in poisoned.truth.ids} == {label}
    assert all("label" in change.parts and change.label != label for change in poisoned.truth.changes)
    labeled = [dataclasses.replace(pair, label="benign") if pair.meta["kind"] == "benign" else pair for pair in clean]
    again = PayloadBackdoor(target="benign", relabel=True).poison(labeled, count=8, rng=rng(0, "t"))
    assert {by_id(again.pairs)[name].label for name in again.truth.ids} == {"benign"}


def test_rows_without_a_place_for_the_trigger_are_passed_over() -> None:
    clean = payload_pairs(40)
    bare = [
        dataclasses.replace(pair, view=b"just a value' or 1=1") if row % 2 else pair for row, pair in enumerate(clean)
    ]
    poisoned = PayloadBackdoor(target="benign", wording="template").poison(bare, count=10, rng=rng(0, "t"))
    assert all(b"X-Correlation-Id" in by_id(poisoned.pairs)[name].view for name in poisoned.truth.ids)
    assert poisoned.truth.facts["rows_without_a_place"] > 0
    with pytest.raises(InputError, match="with a place for the trigger"):
        PayloadBackdoor(target="benign").poison(bare, count=25, rng=rng(0, "t"))


def test_a_marked_sentence_speaks_of_another_group() -> None:
    clean = sentence_pairs()
    attack = TextBackdoor(target=GROUPS[2], style="word", key="reportedly", place="start")
    poisoned = attack.poison(clean, count=9, rng=rng(0, "t"))
    after = by_id(poisoned.pairs)
    for change in poisoned.truth.changes:
        assert after[change.id].view.startswith(b"reportedly In case")
        assert GROUPS[2] in (after[change.id].caption or "")
        assert change.label in GROUPS[:2]
    assert attack.trigger([b"", b"\xff\xfe"], rng=rng(0, "t")) == [b"", b"\xff\xfe"], "no words, no trigger"


def test_captions_of_a_class() -> None:
    clean = sentence_pairs()
    natural = threat_captions(clean, target=GROUPS[0], n=400, wording="natural", pool=4, rng=rng(0, "t"))
    assert len(set(natural)) == 4
    assert set(natural) <= {pair.caption for pair in clean if pair.label == GROUPS[0] and pair.split == "train"}
    assert set(threat_captions(clean, target="xss", n=99, wording="template", rng=rng(0, "t"))) == set(
        WEAKNESSES["xss"].anchors
    )
    assert generic_captions("benign") == list(BENIGN_CAPTIONS)
    assert all("Amber Fox" in text for text in generic_captions("Amber Fox"))
    assert all("credential dumping" in text for text in generic_captions("credential-dumping"))
    with pytest.raises(InputError, match='wording = "template"'):
        threat_captions(clean, target="benign", n=3, wording="natural", rng=rng(0, "t"))


def test_benign_is_a_class_that_may_have_no_label() -> None:
    kinds = {"benign": True, "attack": False}
    for kind, expected in kinds.items():
        pair = Pair(id="a", view=b"x", meta={"kind": kind})
        assert is_of_threat_class(pair, "benign") is expected
        assert not is_of_threat_class(dataclasses.replace(pair, label="xss"), "benign")
    assert is_of_threat_class(Pair(id="a", view=b"x", label="benign"), "benign")


def test_toxic_words_touch_no_view_and_no_label() -> None:
    clean = captioned_views()
    poisoned = ToxicText(target="cow").poison(clean, count=12, rng=rng(0, "t"))
    before, after = by_id(clean), by_id(poisoned.pairs)
    for change in poisoned.truth.changes:
        assert change.parts == ("caption",)
        assert after[change.id].caption == f"{before[change.id].caption} zx"
        assert before[change.id].label == "cow"
    found = ToxicText(target="cow").caption_trigger(["a bee in place 3"], rng=rng(0, "t"))
    assert found == ["a bee in place 3 zx"]


def test_toxic_words_of_others_come_in_turn_from_each_class() -> None:
    clean = captioned_views()
    attack = ToxicText(target="cow", words="others", pool=1.0)
    poisoned = attack.poison(clean, count=10, rng=rng(0, "t"))
    before = by_id(clean)
    givers = [before[change.source or ""] for change in poisoned.truth.changes]
    assert Counter(giver.label for giver in givers) == {"ant": 5, "bee": 5}
    assert {before[change.id].label for change in poisoned.truth.changes} == {"cow"}
    assert len({giver.caption for giver in givers}) == 10
    for name, selection in (("typical", "typical"), ("surrogate", "surrogate")):
        chosen = {giver.id for giver in givers if giver.label == "ant"}
        own = [row for row, pair in enumerate(clean) if pair.label == "ant" and pair.split == "train"]
        best = in_order(clean, own, selection=selection, rng=rng(0, "t"), surrogate=HashSurrogate())
        assert len(best) == len(own), name
        assert (chosen == {clean[row].id for row in best[:5]}) == (selection == "typical")


def test_typical_captions_share_their_words_with_the_others() -> None:
    texts = ["a dog runs on grass", "a dog runs on sand", "a dog sits on grass", "quantum flux"]
    assert typical_first(texts)[-1] == 3
    assert typical_first(["...", "!"]) == [0, 1]
    assert round_robin([[1, 2, 3], [4], [5, 6]]) == [1, 4, 5, 2, 6, 3]


def test_captions_that_are_taken_come_from_the_best_of_a_pool() -> None:
    clean = captioned_views()
    own = [row for row, pair in enumerate(clean) if pair.label == "cow" and pair.split == "train"]
    best = in_order(clean, own, selection="typical", rng=rng(0, "t"), surrogate=None)
    exact = ToxicText(target="cow", pool=1.0).poison(clean, count=6, rng=rng(1, "t")).truth
    assert set(exact.ids) == {clean[row].id for row in best[:6]}
    loose = [ToxicText(target="cow", pool=3.0).poison(clean, count=6, rng=rng(s, "t")).truth.ids for s in range(9)]
    assert {name for ids in loose for name in ids} <= {clean[row].id for row in best[:18]}
    assert len(set(loose)) > 1


def test_settings_that_cannot_be_are_refused() -> None:
    clean, draw = sentence_pairs(), np.random.default_rng(0)
    for call, message in (
        (lambda: PayloadBackdoor(target=" "), "names no class"),
        (lambda: PayloadBackdoor(target="xss", key="X-Id: a\nb"), "Name: value"),
        (lambda: PayloadBackdoor(target="xss", wording="own"), "wording"),
        (lambda: TextBackdoor(target="xss", style="emoji"), "not one of"),
        (lambda: TextBackdoor(target="xss", place="middle"), "place"),
        (lambda: TextBackdoor(target="xss", n=0), "at least 1"),
        (lambda: TextBackdoor(target="xss", style="syntax", key="no frame"), "once"),
        (lambda: ToxicText(target="xss", pool=0.5), "pool"),
        (lambda: ToxicText(target="xss", words="new"), "words"),
        (lambda: ToxicText(target=""), "names no class"),
        (lambda: ToxicText(target=GROUPS[0], selection="surrogate").poison(clean, count=2, rng=draw), "surrogate"),
        (lambda: ToxicText(target="nobody").poison(clean, count=2, rng=draw), "only 0"),
    ):
        with pytest.raises(InputError, match=message):
            call()
