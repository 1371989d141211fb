"""Captions taken apart: every word once, known phrases whole, roles by lexicon and by ending."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.defenses.subcaptions.decompose import MAX_CHARS, decompose
from threatclip.defenses.subcaptions.lexicon import WORD
from threatclip.defenses.subcaptions.picture_words import picture_lexicon
from threatclip.defenses.subcaptions.threat_words import threat_lexicon

PICTURES, THREATS = picture_lexicon(), threat_lexicon()


def roles(caption: str) -> list[tuple[str, str]]:
    return [(caption[token.start : token.end], token.role) for token in decompose(caption, PICTURES)]


def test_a_caption_of_a_picture() -> None:
    assert roles("a photo of a red car on a gray background") == [
        ("a photo of", "function"),
        ("a", "function"),
        ("red", "attribute"),
        ("car", "object"),
        ("on", "relation"),
        ("a", "function"),
        ("gray", "attribute"),
        ("background", "object"),
    ]


def test_an_unknown_word_is_judged_by_its_ending() -> None:
    assert roles("Zorbs are colorless, glimmering, and 12.5 zorbed red kings") == [
        ("Zorbs", "object"),
        ("are", "function"),
        ("colorless", "attribute"),
        ("glimmering", "relation"),
        ("and", "function"),
        ("12.5", "attribute"),
        ("zorbed", "relation"),
        ("red", "attribute"),
        ("kings", "object"),
    ]


@pytest.mark.parametrize(
    "text", ["SQL injection", "sql-injection", "sql  injection", "An Sql\nInjection.", "(blind SQL injection)"]
)
def test_a_phrase_is_known_in_any_case_and_with_a_hyphen(text: str) -> None:
    names = [token.concept.name for token in decompose(text, THREATS) if token.concept is not None]
    assert names == ["sql-injection"]


def test_punctuation_parts_a_phrase() -> None:
    assert all(token.concept is None for token in decompose("sql, injection", THREATS))


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=300))
def test_every_word_of_any_text_is_in_one_token(text: str) -> None:
    for lexicon in (PICTURES, THREATS):
        tokens = decompose(text, lexicon)
        assert tokens == decompose(text, lexicon)
        assert all(token.start < token.end <= len(text) for token in tokens)
        assert all(before.end <= after.start for before, after in itertools.pairwise(tokens))
        words = [match.span() for match in WORD.finditer(text)]
        assert all(any(token.start <= start and end <= token.end for token in tokens) for start, end in words)


def test_a_caption_without_end_is_cut() -> None:
    tokens = decompose("a dog " * 100_000, PICTURES)
    assert tokens[-1].end <= MAX_CHARS
