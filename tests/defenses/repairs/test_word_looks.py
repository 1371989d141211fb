"""Second looks of captions, texts and payloads: what may change, what may not, and hostile input."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threat_pairs import payload_pairs
from threatclip.defenses.repairs.eda import _inserted, _replaced, _swapped, _thinned, eda, eda_bytes
from threatclip.defenses.repairs.payload_looks import mutated_payload
from threatclip.defenses.repairs.synonyms import STOP_WORDS, SYNONYMS
from threatclip.pairs.http import parse_requests
from threatclip.pairs.probes import request_values

CAPTION = "A photo of a red car on a gray background, in a dark scene."
WORDS = "a photo of a red car on a gray background in a dark scene".split()


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_synonyms_are_words_and_never_the_word_itself() -> None:
    assert len(SYNONYMS) > 400
    for word, others in SYNONYMS.items():
        assert re.fullmatch("[a-z]+", word)
        assert others
        assert word not in others
        assert all(re.fullmatch("[a-z]+", other) for other in others)
    assert {"the", "of", "not"} <= STOP_WORDS


def test_a_synonym_takes_the_place_of_a_word_that_is_no_stop_word() -> None:
    for seed in range(20):
        found = _replaced(WORDS, 2, generator(seed))
        changed = [(old, new) for old, new in zip(WORDS, found, strict=True) if old != new]
        assert len(changed) == 2
        assert all(new in SYNONYMS[old] and old not in STOP_WORDS for old, new in changed)


def test_one_synonym_goes_in_beside_the_words() -> None:
    for seed in range(20):
        found = _inserted(WORDS, 1, generator(seed))
        added = Counter(found) - Counter(WORDS)
        assert not Counter(WORDS) - Counter(found)
        assert added.total() == 1
        assert any(word in SYNONYMS[old] for word in added for old in WORDS if old in SYNONYMS)


def test_swapped_words_are_the_same_words() -> None:
    for seed in range(20):
        found = _swapped(WORDS, 1, generator(seed))
        assert Counter(found) == Counter(WORDS)
        assert sum(a != b for a, b in zip(found, WORDS, strict=True)) in (0, 2)  # an equal word may stand at both
    assert _swapped(["car"], 3, generator()) == ["car"]


def test_words_are_left_out_with_the_given_share() -> None:
    lengths = [len(_thinned(WORDS, 0.1, generator(seed))) for seed in range(400)]
    assert np.mean(lengths) == pytest.approx(0.9 * len(WORDS), abs=0.3)
    assert len(_thinned(WORDS, 1.0, generator())) == 1


def test_a_text_is_changed_as_its_generator_says() -> None:
    found = {eda(CAPTION, rng=generator(seed)) for seed in range(40)}
    assert len(found) > 20
    assert eda(CAPTION, rng=generator(3)) == eda(CAPTION, rng=generator(3))
    assert all(re.fullmatch("[a-z]+( [a-z]+)*", text) for text in found)
    assert eda("don't", share=0, rng=generator(2)) == "dont"


@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=80), seed=st.integers(0, 99), share=st.floats(0, 1))
def test_no_text_breaks_it(text: str, seed: int, share: float) -> None:
    found = eda(text, share=share, rng=generator(seed))
    assert bool(found) == bool(text)
    assert found == text or re.fullmatch("[a-z ]+", found)


@settings(max_examples=80, deadline=None)
@given(view=st.binary(max_size=120), seed=st.integers(0, 99))
def test_no_bytes_break_it(view: bytes, seed: int) -> None:
    for change in (eda_bytes, mutated_payload):
        found = change(view, generator(seed))
        assert bool(found) == bool(view)
        assert found == change(view, generator(seed))


def test_a_text_without_latin_letters_stays() -> None:
    assert eda("攻撃者", rng=generator()) == "攻撃者"


def test_a_payload_keeps_what_it_exploits() -> None:
    pairs = payload_pairs(40)
    views, changed = [pair.view for pair in pairs if pair.label != "benign"], 0
    for row, view in enumerate(views):
        values = [value for request in parse_requests(view) for value in request_values(request)]
        longest = max(values, key=len, default="")
        letters = Counter(re.sub("[^a-z]", "", longest.lower()))
        found = mutated_payload(view, generator(row))
        changed += found != view
        assert not letters - Counter(re.sub("[^a-z]", "", found.decode("latin-1").lower()))
    assert changed > len(views) / 2
