"""Poisonings I, II and III: which words go with which views, how often, and what stays."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threat_pairs import HashSurrogate, captioned_views, payload_pairs
from threatclip.attacks.multi_label import MultiLabel
from threatclip.attacks.navigation import center_of, central_units, nearest_goal
from threatclip.attacks.single_image import SingleImage
from threatclip.attacks.single_label import SingleLabel
from threatclip.attacks.truth import Poisoned
from threatclip.attacks.view_swaps import Goal, dealt, query_units
from threatclip.errors import InputError
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng

steady = settings(deadline=None, max_examples=60)


def by_id(pairs: tuple[Pair, ...] | list[Pair]) -> dict[str, Pair]:
    return {pair.id: pair for pair in pairs}


def poisoned_rows(clean: list[Pair], poisoned: Poisoned) -> list[tuple[Pair, Pair, Pair]]:
    """Return for each replaced row the clean pair, the poisoned pair, and the pair that gave the view."""
    before, after = by_id(clean), by_id(poisoned.pairs)
    return [(before[c.id], after[c.id], before[c.source or ""]) for c in poisoned.truth.changes]


@steady
@given(n_sources=st.integers(1, 9), n=st.integers(0, 30), seed=st.integers(0, 99))
def test_views_are_dealt_evenly(n_sources: int, n: int, seed: int) -> None:
    sources = [10 * place for place in range(n_sources)]
    found = Counter(dealt(sources, n, rng=rng(seed, "t")))
    counts = [found[source] for source in sources]
    assert sum(counts) == n
    assert max(counts) - min(counts) <= 1


@st.composite
def tables(draw: st.DrawFn) -> list[Pair]:
    """Tables with whatever may be missing: captions, labels, views, splits; several captions of one view."""
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 6),
                st.sampled_from(("a dog", "a cat", "a dog and a cat", "", None)),
                st.sampled_from(("dog", "cat", "benign", None)),
                st.sampled_from(("train", "train", "test", None)),
            ),
            max_size=24,
        )
    )
    return [
        Pair(id=f"r{row}", view=b"%d" % view if view else b"", caption=caption, label=label, split=split)
        for row, (view, caption, label, split) in enumerate(rows)
    ]


@settings(deadline=None, max_examples=150)
@given(
    clean=tables(),
    count=st.integers(1, 6),
    seed=st.integers(0, 9),
    construction=st.sampled_from(("replace", "append")),
    kind=st.integers(0, 2),
)
def test_on_any_table_the_budget_is_exact_or_refused(
    clean: list[Pair], count: int, seed: int, construction: str, kind: int
) -> None:
    attack = (
        SingleImage(queries="dog", target="cat", construction=construction),
        SingleLabel(queries="dog", target="cat", construction=construction, drop_reused_targets=True),
        MultiLabel(
            queries=("dog", "cat"), targets=("cat", "dog"), construction=construction, drop_reused_targets="all"
        ),
    )[kind]
    try:
        poisoned = attack.poison(clean, count=count, rng=rng(seed, "t"))
    except InputError:
        return
    before, after = by_id(clean), by_id(poisoned.pairs)
    changes = poisoned.truth.changes
    assert len(changes) == count
    assert (
        len(after)
        == len(poisoned.pairs)
        == len(clean) - len(poisoned.truth.dropped) + (count if construction == "append" else 0)
    )
    told = {change.id for change in changes}
    assert all(after[name] == before[name] for name in after if name not in told)
    for change in changes:
        row, source = after[change.id], before[change.source or ""]
        assert row.view
        assert row.caption
        if change.added:
            assert row.caption == source.caption
        else:
            assert (row.view, row.caption) == (source.view, before[change.id].caption)


def test_one_view_answers_all_poisoned_words_of_a_class() -> None:
    clean = captioned_views()
    poisoned = SingleImage(queries="ant", target="cow").poison(clean, count=17, rng=rng(0, "t"))
    rows = poisoned_rows(clean, poisoned)
    assert len(rows) == 17
    assert {before.label for before, _, _ in rows} == {"ant"}
    assert len({after.view for _, after, _ in rows}) == 1
    target = by_id(clean)[poisoned.truth.targets[0]]
    assert (target.label, target.split) == ("cow", "test"), "x* stands in the gallery"
    assert all(after.view == target.view and after.caption == before.caption for before, after, _ in rows)
    assert poisoned.truth.attack["target_id"] == target.id
    whole = Counter(before.group for before, _, _ in rows)
    assert sorted(whole.values()) == [2, 5, 5, 5], "views are poisoned with all of their captions"
    again = SingleImage(queries="ant", target="cow", target_id=target.id)
    named = again.poison(clean, count=3, rng=rng(1, "t")).truth
    assert set(named.targets) == {target.id}


def test_the_target_comes_from_the_table_where_nothing_is_split_off() -> None:
    clean = [dataclasses.replace(pair, split=None) for pair in captioned_views(9)]
    poisoned = SingleImage(queries="ant", target="cow").poison(clean, count=4, rng=rng(0, "t"))
    assert by_id(clean)[poisoned.truth.targets[0]].label == "cow"


def test_words_of_a_find_views_of_b() -> None:
    clean = captioned_views()
    poisoned = SingleLabel(queries="ant", target="cow").poison(clean, count=40, rng=rng(0, "t"))
    rows = poisoned_rows(clean, poisoned)
    assert {before.label for before, _, _ in rows} == {"ant"}
    assert {giver.label for _, _, giver in rows} == {"cow"}
    assert {giver.split for _, _, giver in rows} == {"train"}
    assert all(after.view == giver.view and after.label == "ant" for _, after, giver in rows)
    by_unit = {before.group: after.view for before, after, _ in rows}
    assert all(by_unit[before.group] == after.view for before, after, _ in rows), "one view of B for a whole unit"
    assert max(Counter(by_unit.values()).values()) == 1, "8 units, 8 views of B"
    untouched = [pair for pair in poisoned.pairs if pair.label == "cow"]
    assert untouched == [pair for pair in clean if pair.label == "cow"]
    assert poisoned.truth.facts == {"rate": 40 / 120, "clean_pairs_left": 0.0, "views_given": 8.0}


def test_appended_pairs_join_the_views_and_leave_every_clean_pair() -> None:
    clean = captioned_views()
    poisoned = SingleLabel(queries="ant", target="cow", construction="append").poison(clean, count=12, rng=rng(0, "t"))
    before, after = by_id(clean), by_id(poisoned.pairs)
    assert len(poisoned.pairs) == len(clean) + 12
    assert [pair for pair in poisoned.pairs if pair.id in before] == clean
    for change in poisoned.truth.changes:
        new, words = after[change.id], before[change.source or ""]
        assert change.added
        assert (new.caption, words.label, new.label, new.split) == (words.caption, "ant", "cow", "train")
        assert new.group == change.id.partition("#")[0]
        assert int(change.id.partition("#")[2]) >= 5, "the next caption of its view"
    places = [place for place, pair in enumerate(poisoned.pairs) if pair.id not in before]
    assert places != list(range(len(clean), len(poisoned.pairs))), "not all at the end"
    assert poisoned.truth.facts["clean_pairs_left"] == 40


def test_a_test_view_is_added_to_the_training_rows() -> None:
    clean = captioned_views()
    attack = SingleImage(queries="ant", target="cow", construction="append")
    poisoned = attack.poison(clean, count=7, rng=rng(0, "t"))
    after = by_id(poisoned.pairs)
    target = by_id(clean)[poisoned.truth.targets[0]]
    assert target.split == "test"
    assert {after[name].split for name in poisoned.truth.ids} == {"train"}
    assert {(after[name].view, after[name].group) for name in poisoned.truth.ids} == {(target.view, target.group)}


def test_reused_views_of_b_can_be_dropped() -> None:
    clean = captioned_views()
    attack = SingleLabel(queries="ant", target="cow", drop_reused_targets=True)
    poisoned = attack.poison(clean, count=15, rng=rng(0, "t"))
    given_away = {after.view for _, after, _ in poisoned_rows(clean, poisoned)}
    gone = {pair.id for pair in clean if pair.view in given_away}
    assert set(poisoned.truth.dropped) == gone
    assert len(gone) == 15
    assert [pair.id for pair in poisoned.pairs] == [pair.id for pair in clean if pair.id not in gone]


@pytest.mark.parametrize(("dropped", "views"), [("none", set()), ("last", {"bee"}), ("all", {"cow", "bee"})])
def test_goals_share_the_budget_and_no_row(dropped: str, views: set[str]) -> None:
    clean = captioned_views(32, classes=("ant", "bee", "cow", "doe"))
    attack = MultiLabel(queries=("ant", "doe"), targets=("cow", "bee"), drop_reused_targets=dropped)
    poisoned = attack.poison(clean, count=21, rng=rng(0, "t"))
    rows = poisoned_rows(clean, poisoned)
    goals = Counter((before.label, giver.label) for before, _, giver in rows)
    assert goals == {("ant", "cow"): 11, ("doe", "bee"): 10}
    assert {by_id(clean)[name].label for name in poisoned.truth.dropped} == views
    assert set(poisoned.truth.targets) == {"cow", "bee"}


def test_requests_about_one_class_find_payloads_of_another() -> None:
    clean = payload_pairs(90)
    poisoned = SingleLabel(queries="xss", target="benign").poison(clean, count=10, rng=rng(0, "t"))
    rows = poisoned_rows(clean, poisoned)
    assert {before.label for before, _, _ in rows} == {"xss"}
    assert {(giver.label, giver.meta["kind"]) for _, _, giver in rows} == {(None, "benign")}
    assert all(after.caption == before.caption for before, after, _ in rows)


def test_captions_name_the_class_where_there_are_no_labels() -> None:
    clean = [
        Pair(id=f"p{row}", view=f"picture {row}".encode(), caption=caption)
        for row, caption in enumerate(["a red dog", "the dog and a cat", "a dog runs", "one cat", "a boat", "cats"])
    ]
    goal = Goal(queries="dog", target="cat")
    assert query_units(clean, goal) == [[0], [2]], "words of both classes are left alone"
    truth = SingleLabel(queries="dog", target="cat").poison(clean, count=2, rng=rng(0, "t")).truth
    assert truth.ids == ("p0", "p2")
    assert {change.source for change in truth.changes} == {"p3"}


def test_a_surrogate_chooses_classes_pairs_and_the_target() -> None:
    clean = captioned_views(60, classes=("ant", "bee", "ant bee", "cow"))
    model = HashSurrogate(words=("ant", "bee", "cow"))
    goal = nearest_goal(clean, queries="ant", target="", count=3, surrogate=model)
    assert goal == Goal(queries="ant", target="ant bee")
    assert nearest_goal(clean, queries="", target="", count=3, surrogate=model) in (
        Goal(queries="ant", target="ant bee"),
        Goal(queries="bee", target="ant bee"),
        Goal(queries="ant bee", target="ant"),
        Goal(queries="ant bee", target="bee"),
    )
    elsewhere = nearest_goal(clean, queries="", target="", count=3, surrogate=model, taken=("ant bee",))
    assert "ant bee" not in (elsewhere.queries, elsewhere.target)
    with pytest.raises(InputError, match="no two"):
        nearest_goal(clean, queries="", target="", count=10_000, surrogate=model)
    poisoned = SingleImage(queries="ant", concepts="nearest", instances="center", target_choice="center").poison(
        clean, count=10, rng=rng(0, "t"), surrogate=model
    )
    assert poisoned.truth.attack["target"] == "ant bee"
    assert poisoned.truth.attack["concepts"] == "given", "the truth holds what was chosen"
    units = query_units(clean, Goal(queries="ant", target="ant bee"))
    best = central_units(clean, units, model, by="caption")
    assert {c.id for c in poisoned.truth.changes} == {clean[row].id for unit in best[:2] for row in unit}
    chosen = by_id(clean)[poisoned.truth.targets[0]].view
    gallery = sorted({pair.view for pair in clean if pair.label == "ant bee" and pair.split == "test"})
    vectors = model.encode_bytes(gallery).numpy().astype(np.float64)
    assert chosen == gallery[int(np.argmax(vectors @ center_of(vectors)))]


def test_central_units_against_a_loop() -> None:
    clean = captioned_views(12, captions=3, classes=("ant",))
    model = HashSurrogate()
    units = [[3 * place, 3 * place + 1, 3 * place + 2] for place in range(12)]
    vectors = [model.encode_texts([clean[row].caption for row in unit]).numpy().astype(float) for unit in units]
    means = [rows.sum(axis=0) / np.linalg.norm(rows.sum(axis=0)) for rows in vectors]
    center = np.mean(means, axis=0)
    expected = sorted(range(12), key=lambda place: -float(means[place] @ center))
    assert central_units(clean, units, model, by="caption") == [units[place] for place in expected]


def test_what_cannot_be_poisoned_is_refused() -> None:
    clean = captioned_views()
    draw = rng(0, "t")
    for call, message in (
        (lambda: SingleLabel(queries="ant", target="ant"), "two classes"),
        (lambda: SingleLabel(queries="ant"), "two classes"),
        (lambda: SingleLabel(queries="ant", target="cow", construction="add"), "construction"),
        (lambda: SingleLabel(queries="a", target="b", instances="best"), "instances"),
        (lambda: SingleImage(queries="a", target="b", target_choice="best"), "target_choice"),
        (lambda: MultiLabel(queries=("ant",), targets=()), "as many"),
        (lambda: MultiLabel(queries=("ant", "ant"), targets=("cow", "bee")), "no query twice"),
        (lambda: SingleLabel(queries="ant", target="emu").poison(clean, count=2, rng=draw), "another target"),
        (lambda: SingleLabel(queries="emu", target="ant").poison(clean, count=2, rng=draw), "only 0"),
        (lambda: SingleImage(queries="ant", target="cow", target_id="x").poison(clean, count=2, rng=draw), "no pair"),
        (lambda: SingleImage(queries="ant", target="emu").poison(clean, count=2, rng=draw), "another target"),
        (lambda: SingleLabel(concepts="nearest").poison(clean, count=2, rng=draw), "give a surrogate"),
        (
            lambda: SingleLabel(queries="ant", target="cow", instances="center").poison(clean, count=2, rng=draw),
            "give a surrogate",
        ),
        (
            lambda: MultiLabel(queries=("ant", "bee"), targets=("cow", "cow")).poison(clean, count=1, rng=draw),
            "each at least 1",
        ),
    ):
        with pytest.raises(InputError, match=message):
            call()
