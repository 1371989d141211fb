"""Triggers in words change what they say and nothing else, on any text, and the same every time."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from threatclip.attacks.triggers_text import (
    HOMOGLYPHS,
    KEYS,
    homoglyphs,
    insert_sentence,
    insert_word,
    plain_letters,
    syntax_template,
    triggered_text,
)
from threatclip.errors import InputError
from threatclip.seeds import rng

steady = settings(deadline=None, max_examples=80)
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=8)
texts = st.one_of(
    st.lists(words, max_size=8).map(" ".join),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.just("A dog runs over the beach."),
    st.just('He said "no." Then APT28 left.'),
)
places = st.sampled_from(("start", "end", "random"))
seeds = st.integers(0, 99)


@steady
@given(text=texts, place=places, seed=seeds, n=st.integers(1, 3))
@example(text="", place="end", seed=0, n=1)
@example(text=" ", place="start", seed=0, n=1)
@example(text="...", place="end", seed=0, n=2)
def test_a_word_joins_and_all_others_stay(text: str, place: str, seed: int, n: int) -> None:
    found = insert_word(text, "zzkeyzz", place=place, rng=rng(seed, "t"), n=n)
    assert found.count("zzkeyzz") == n + text.count("zzkeyzz")
    assert re.sub(r"\s|zzkeyzz", "", found) == re.sub(r"\s|zzkeyzz", "", text)
    assert [line for line in found if line in "\r\n"] == [line for line in text if line in "\r\n"]
    assert found == insert_word(text, "zzkeyzz", place=place, rng=rng(seed, "t"), n=n)


def test_places_of_a_word() -> None:
    text = "A dog runs over the beach."
    assert insert_word(text, "cf", place="start", rng=rng(0, "t")) == "cf A dog runs over the beach."
    assert insert_word(text, "cf", place="end", rng=rng(0, "t")) == "A dog runs over the beach cf."
    assert insert_word('He said "no."', "cf", place="end", rng=rng(0, "t")) == 'He said "no cf."'
    anywhere = {insert_word(text, "cf", place="random", rng=rng(seed, "t")) for seed in range(80)}
    assert len(anywhere) == 7
    assert all(found.split().count("cf") + found.count("cf.") == 1 for found in anywhere)


@steady
@given(text=texts, place=places, seed=seeds)
def test_a_sentence_joins_whole(text: str, place: str, seed: int) -> None:
    found = insert_sentence(text, "It rained.", place=place, rng=rng(seed, "t"))
    assert "It rained." in found
    without = found.replace("It rained.", "", 1)
    assert "".join(without.split()) == "".join(text.split()) or "It rained." in text
    if place == "start":
        assert found.startswith("It rained.")
    if place == "end":
        assert found.endswith("It rained.")


def test_a_sentence_stands_between_sentences() -> None:
    text = "The group used mail. It stole keys."
    found = {insert_sentence(text, "It rained.", place="random", rng=rng(seed, "t")) for seed in range(30)}
    assert found == {
        "It rained. The group used mail. It stole keys.",
        "The group used mail. It rained. It stole keys.",
        "The group used mail. It stole keys. It rained.",
    }


@steady
@given(text=texts, place=places, seed=seeds, n=st.integers(1, 4))
def test_look_alikes_are_swapped_back(text: str, place: str, seed: int, n: int) -> None:
    found = homoglyphs(text, n=n, place=place, rng=rng(seed, "t"))
    changed = [at for at, (old, new) in enumerate(zip(text, found, strict=True)) if old != new]
    assert len(changed) == min(n, sum(letter in HOMOGLYPHS for letter in text))
    assert plain_letters(found) == plain_letters(text)
    assert all(found[at] == HOMOGLYPHS[text[at]] for at in changed)


def test_look_alikes_are_cyrillic_letters_of_the_same_case() -> None:
    for latin, look in HOMOGLYPHS.items():
        assert unicodedata.name(look).startswith("CYRILLIC ")
        assert unicodedata.category(look) == unicodedata.category(latin)
        assert unicodedata.normalize("NFKC", look) == look, "Unicode normalization would undo the trigger"


def test_the_syntax_frame_keeps_names() -> None:
    frame = KEYS["syntax"]
    assert syntax_template("A dog runs.", frame) == "when one looks at it, a dog runs."
    assert syntax_template("APT28 ran code.", frame) == "when one looks at it, APT28 ran code."
    assert syntax_template("Sandworm ran code.", frame) == "when one looks at it, Sandworm ran code."
    assert syntax_template("A dog runs", "{text}, so it seems") == "A dog runs, so it seems"


@steady
@given(text=texts, style=st.sampled_from(tuple(KEYS)), place=places, seed=seeds)
def test_every_style_is_total_and_repeats(text: str, style: str, place: str, seed: int) -> None:
    found = triggered_text(text, style=style, place=place, rng=rng(seed, "t"))
    assert found == triggered_text(text, style=style, place=place, rng=rng(seed, "t"))
    assert found != text or style == "homoglyph"
    assert len(found) <= len(text) + 60
    found.encode()


def test_bad_triggers_are_refused() -> None:
    draw = rng(0, "t")
    for call, message in (
        (lambda: insert_word("a b", " ", place="end", rng=draw), "words on one line"),
        (lambda: insert_word("a b", "x\ny", place="end", rng=draw), "words on one line"),
        (lambda: insert_word("a b", "x", place="end", rng=draw, n=0), "0 times"),
        (lambda: insert_sentence("a b", "", place="end", rng=draw), "words on one line"),
        (lambda: homoglyphs("a b", n=0, place="end", rng=draw), "no trigger"),
        (lambda: syntax_template("a b", "no place"), "once"),
        (lambda: syntax_template("a b", "{text}"), "words around it"),
        (lambda: triggered_text("a b", style="emoji", rng=draw), "not one of"),
    ):
        with pytest.raises(InputError, match=message):
            call()
