"""Exact search finds what a sort of all inner products finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threatclip.index import exact
from threatclip.index.exact import nearest


def slowly(queries: np.ndarray, vectors: np.ndarray, k: int, passed: np.ndarray) -> list[list[int]]:
    found = []
    for query in queries:
        scores = [float(sum(a * b for a, b in zip(query, vector, strict=True))) for vector in vectors]
        order = sorted((row for row in range(len(vectors)) if passed[row]), key=lambda row: (-scores[row], row))
        found.append(order[:k])
    return found


@given(
    n=st.integers(1, 40),
    k=st.integers(1, 12),
    q=st.integers(1, 5),
    share=st.sampled_from([0.0, 0.2, 1.0]),
    block=st.integers(1, 17),
    seed=st.integers(0, 2**32 - 1),
)
def test_it_finds_what_a_sort_finds(n: int, k: int, q: int, share: float, block: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    # small whole numbers: sums are exact, so that ties are ties
    vectors = draw.integers(-3, 4, size=(n, 4)).astype(np.float32)
    queries = draw.integers(-3, 4, size=(q, 4)).astype(np.float32)
    passed = draw.random(n) < share
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "_BLOCK_ROWS", block)
        patch.setattr(exact, "_BLOCK_QUERIES", 2)
        found = nearest(queries, vectors, k=k, passed=passed)
    wanted = slowly(queries, vectors, k, passed)
    for places, scores, true, query in zip(found.places, found.scores, wanted, queries, strict=True):
        kept = places[places >= 0].tolist()
        assert len(kept) == len(true) == len(set(kept))
        assert passed[kept].all()
        np.testing.assert_array_equal(scores[: len(true)], vectors[true] @ query)  # of ties any may be kept
        np.testing.assert_array_equal(scores[: len(true)], vectors[kept] @ query)
        assert np.isneginf(scores[len(true) :]).all()


def test_of_equal_scores_the_earlier_comes_first() -> None:
    vectors = np.ones((6, 2), dtype=np.float32)
    found = nearest(vectors[:1], vectors, k=6)
    assert found.places.tolist() == [[0, 1, 2, 3, 4, 5]]
