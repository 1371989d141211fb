"""Balancing by synonyms: sizes, what stays, and that copies know what they were made from."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threatclip.errors import InputError
from threatclip.pairs.synonyms import balanced_copies, replace_words
from threatclip.seeds import rng

KEPT = frozenset({"actor", "with"})
WORDS = {"fetched": ("brought", "got"), "files": ("records",), "server": ("host",), "actor": ("player",)}


def thesaurus(word: str) -> tuple[str, ...]:
    return WORDS.get(word, ())


def replaced(text: str, *, share: float = 0.1, seed: int = 0) -> str:
    return replace_words(text, thesaurus=thesaurus, share=share, generator=rng(seed, "test"), kept=KEPT)


def test_a_share_of_the_words_is_replaced_and_the_rest_stays() -> None:
    text = "ACTOR fetched files, with care, from a server."
    one = replaced(text)
    assert sum(before != after for before, after in zip(text.split(), one.split(), strict=True)) == 1
    assert replaced(text, share=1.0) in {f"ACTOR {verb} records, with care, from a host." for verb in WORDS["fetched"]}


def test_capitals_are_kept_and_words_without_synonyms_leave_the_text_as_it_was() -> None:
    assert replaced("Files!") == "Records!"
    assert replaced("ACTOR with a net") == "ACTOR with a net"
    assert replaced("") == ""


@given(st.text(max_size=80), st.floats(0, 1), st.integers(0, 5))
def test_only_known_words_ever_change(text: str, share: float, seed: int) -> None:
    assert replaced(text, share=share, seed=seed) == text or any(word in text.lower() for word in WORDS)


def balance(texts: list[str], labels: list[str], rows: int | None, seed: int = 0) -> list[tuple[str, int, bool]]:
    copies = balanced_copies(texts, labels, thesaurus=thesaurus, rows_per_class=rows, share=0.1, seed=seed, kept=KEPT)
    return [(copy.text, copy.origin, copy.is_new) for copy in copies]


def test_classes_grow_to_the_largest_and_originals_stand_first() -> None:
    texts = ["fetched files from a server", "files", "server", "fetched", "no more"]
    labels = ["small", "large", "large", "large", "large"]
    found = balance(texts, labels, None)
    assert [row[0] for row in found[:5]] == texts
    assert Counter(labels[origin] for _, origin, _ in found) == {"small": 4, "large": 4}
    assert all(origin == 0 and is_new for _, origin, is_new in found[5:])
    assert len({text for text, _, _ in found}) == len(found)
    assert found == balance(texts, labels, None)
    assert found != balance(texts, labels, None, seed=1)


def test_a_class_without_synonyms_stays_small() -> None:
    assert len(balance(["nothing here", "files of it", "on"], ["a", "b", "b"], 2)) == 3
    assert len(balance(["files of it", "nothing"], ["a", "b"], 9)) == 3


def test_rows_without_labels_are_refused() -> None:
    with pytest.raises(InputError, match="1 texts with 2 labels"):
        balance(["one"], ["a", "b"], None)
