"""Groups as documents, against BM25 written as loops; with fractions of sentences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threatclip.classification.ngrams import NgramSettings
from threatclip.errors import InputError
from threatclip.experiments.attribution.documents import DocumentSettings, GroupDocuments, fit_documents

TERMS = NgramSettings(kind="word", min_n=1, max_n=1, min_df=1)
TEXTS = ["digs red holes", "digs holes at night", "sends blue mail", "mail by night", "digs mail", "paints fences"]
TARGETS = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1]])


def by_hand(query: str, settings: DocumentSettings) -> list[float]:
    """Return BM25 of one sentence to every group."""
    words = {word for text in TEXTS for word in text.split()}
    counts = [
        {word: sum(t[group] for text, t in zip(TEXTS, TARGETS, strict=True) if word in text.split()) for word in words}
        for group in range(3)
    ]
    lengths = [sum(own.values()) for own in counts]
    mean = sum(lengths) / 3
    found = []
    for group in range(3):
        total = 0.0
        for word in set(query.split()) & words:
            holders = sum(own[word] > 0 for own in counts)
            rarity = math.log(1 + (3 - holders + 0.5) / (holders + 0.5)) ** settings.rarity
            slack = settings.saturation * (1 - settings.length + settings.length * lengths[group] / mean)
            total += rarity * counts[group][word] * (settings.saturation + 1) / (counts[group][word] + slack)
        found.append(total)
    return found


def fitted(settings: DocumentSettings) -> GroupDocuments:
    return fit_documents(TEXTS, TARGETS, terms=TERMS, settings=settings)


@given(
    query=st.lists(st.sampled_from("digs red holes mail night fences unheard".split()), min_size=1, max_size=6),
    saturation=st.floats(0.3, 4),
    length=st.floats(0, 1),
    rarity=st.floats(0.5, 2),
)
def test_scores_are_bm25(query: list[str], saturation: float, length: float, rarity: float) -> None:
    settings = DocumentSettings(saturation=saturation, length=length, rarity=rarity)
    text = " ".join(query)
    np.testing.assert_allclose(fitted(settings).scores([text]), [by_hand(text, settings)], rtol=1e-5, atol=1e-6)


def test_no_term_at_all_is_told() -> None:
    with pytest.raises(InputError, match="n-gram"):
        fit_documents(["", " "], np.eye(2), terms=TERMS, settings=DocumentSettings())
