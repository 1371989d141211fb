"""Hit@K, MinRank and drift against loops that spell them out, and the interfaces against slow ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prediction_cases import quick
from sklearn.neighbors import KNeighborsClassifier

from threatclip.errors import InputError
from threatclip.evaluation import targeted_retrieval
from threatclip.evaluation.drift import cosine_distances, judge_drift
from threatclip.evaluation.interfaces import neighbor_scores, retrieval_scores
from threatclip.evaluation.targeted_retrieval import (
    hit_at_k,
    judge_targeted,
    mean_min_rank,
    median_min_rank,
    min_ranks,
    random_queries,
)
from threatclip.seeds import rng

SIZES = st.tuples(st.integers(1, 8), st.integers(1, 12), st.integers(2, 5), st.integers(0, 2**31))


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True)) / math.hypot(*first) / math.hypot(*second)


@quick
@given(SIZES)
def test_min_rank_is_the_first_target_of_the_sorted_gallery(sizes: tuple[int, int, int, int]) -> None:
    n_queries, n_gallery, dim, seed = sizes
    draws = np.random.default_rng(seed)
    queries, gallery = draws.normal(size=(n_queries, dim)), draws.normal(size=(n_gallery, dim))
    targets = draws.random(n_gallery) < 0.3
    targets[int(draws.integers(n_gallery))] = True
    ranks = min_ranks(queries, gallery, targets)
    for query, rank in zip(queries, ranks, strict=True):
        order = sorted(range(n_gallery), key=lambda item: -cosine(query, gallery[item]))
        assert rank == min(order.index(item) for item in np.flatnonzero(targets))
    for k in (1, 5, 10):
        assert float(hit_at_k(ranks, k=k)) == sum(rank < k for rank in ranks) / n_queries
    assert float(mean_min_rank(ranks)) == pytest.approx(np.mean(ranks))
    assert float(median_min_rank(ranks)) == np.median(ranks)


def test_a_tie_with_a_view_that_is_no_target_goes_against_the_attacker() -> None:
    gallery = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    query = np.array([[2.0, 0.0]])
    assert min_ranks(query, gallery, np.array([True, False, False])).tolist() == [1]
    assert min_ranks(query, gallery, np.array([True, True, False])).tolist() == [0]
    assert min_ranks(query, gallery, np.array([False, False, True])).tolist() == [2]


def test_chunks_do_not_change_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = np.random.default_rng(0)
    queries, gallery, targets = draws.normal(size=(50, 8)), draws.normal(size=(30, 8)), np.arange(30) % 7 == 0
    whole = min_ranks(queries, gallery, targets)
    monkeypatch.setattr(targeted_retrieval, "_CHUNK_SCORES", 30 * 3)
    np.testing.assert_array_equal(min_ranks(queries, gallery, targets), whole)


@quick
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=20))
def test_integer_weights_are_repeated_queries(rows: list[tuple[int, int]]) -> None:
    ranks, counts = np.array([rank for rank, _ in rows]), np.array([count for _, count in rows])
    counts[0] += 1
    weights = np.stack([counts, np.ones(len(rows))]).astype(float)
    written_out = np.repeat(ranks, counts)
    for metric, slow in ((mean_min_rank, np.mean), (median_min_rank, np.median)):
        np.testing.assert_allclose(metric(ranks, weights=weights), [slow(written_out), slow(ranks)])
    np.testing.assert_allclose(hit_at_k(ranks, k=3, weights=weights)[0], np.mean(written_out < 3))


def test_random_queries_draw_every_text_equally_often() -> None:
    few = random_queries(10, n_queries=4, rng=rng(0, "t"))
    assert len(set(few.tolist())) == 4
    many = random_queries(10, n_queries=25, rng=rng(0, "t"))
    assert set(np.bincount(many, minlength=10).tolist()) == {2, 3}
    assert random_queries(10, n_queries=4, rng=rng(0, "t")).tolist() == few.tolist()
    with pytest.raises(InputError, match="cannot be drawn"):
        random_queries(0, n_queries=3, rng=rng(0, "t"))


def test_the_judge_pairs_the_clean_model() -> None:
    attacked, clean = np.arange(100) % 12, np.arange(100) % 90 + 5
    groups = np.repeat(np.arange(20), 5)
    found = judge_targeted(attacked, clean=clean, groups=groups, rng=rng(0, "t"), n_resamples=300)
    assert found["hit_10"].value == pytest.approx(np.mean(attacked < 10))
    assert found["min_rank"].value == pytest.approx(np.mean(attacked))
    assert found["min_rank_over_clean"].value == pytest.approx(np.mean(attacked) - np.mean(clean))
    assert found["min_rank_over_clean"].high < 0 < found["hit_10_over_clean"].low
    assert all(metric.low <= metric.value <= metric.high and metric.n == 100 for metric in found.values())
    alone = judge_targeted(attacked, groups=groups, rng=rng(0, "t"), n_resamples=10)
    assert set(alone) == {"hit_1", "hit_5", "hit_10", "min_rank", "min_rank_median"}
    with pytest.raises(InputError, match="same queries"):
        judge_targeted(attacked, clean=clean[:5], groups=groups, rng=rng(0, "t"))


def test_retrieval_that_cannot_be_is_refused() -> None:
    rows, targets = np.eye(3), np.array([True, False, False])
    for queries, gallery, marked, message in (
        (rows, rows[:, :2], targets, "cannot rank"),
        (rows, rows, ~targets & targets, "name one"),
        (rows, rows, targets[:2], "name one"),
        (rows * 0, rows, targets, "diverged"),
        (np.full((3, 3), np.inf), rows, targets, "diverged"),
    ):
        with pytest.raises(InputError, match=message):
            min_ranks(queries, gallery, marked)
    with pytest.raises(InputError, match="no place"):
        hit_at_k(np.zeros(3, dtype=int), k=0)


@quick
@given(SIZES)
def test_drift_is_one_minus_the_cosine(sizes: tuple[int, int, int, int]) -> None:
    n, _, dim, seed = sizes
    draws = np.random.default_rng(seed)
    first, second = draws.normal(size=(n, dim)), draws.normal(size=(n, dim))
    found = cosine_distances(first, second)
    assert found == pytest.approx([1 - cosine(a, b) for a, b in zip(first, second, strict=True)])
    assert cosine_distances(first, 3 * first) == pytest.approx(np.zeros(n), abs=1e-12)
    assert cosine_distances(first, -first) == pytest.approx(np.full(n, 2))


def test_drift_of_two_modalities_is_compared_on_the_same_pairs() -> None:
    draws = np.random.default_rng(0)
    clean = draws.normal(size=(300, 16))
    near, far = (clean + size * draws.normal(size=clean.shape) for size in (0.1, 0.6))
    models = {"view": (clean, far), "caption": (clean, near)}
    found = judge_drift(models, groups=np.arange(300), rng=rng(0, "t"), n_resamples=200)
    assert set(found) == {"drift_view", "drift_caption", "drift_view_over_caption"}
    assert found["drift_view"].value == pytest.approx(cosine_distances(clean, far).mean())
    assert found["drift_view_over_caption"].low > 0
    with pytest.raises(InputError, match="row by row"):
        cosine_distances(clean, near[:4])
    with pytest.raises(InputError, match="299 groups"):
        judge_drift(models, groups=np.arange(299), rng=rng(0, "t"))


@quick
@given(SIZES)
def test_interfaces_against_loops(sizes: tuple[int, int, int, int]) -> None:
    n, n_gallery, dim, seed = sizes
    draws = np.random.default_rng(seed)
    vectors, gallery = draws.normal(size=(n, dim)), draws.normal(size=(n_gallery, dim))
    labels = draws.integers(3, size=n_gallery)
    by_item = retrieval_scores(vectors, gallery, labels, n_classes=4)
    votes = neighbor_scores(vectors, gallery, labels, n_classes=4, k=3)
    for i, vector in enumerate(vectors):
        cosines = [cosine(vector, item) for item in gallery]
        for label in range(4):
            own = [c for c, owner in zip(cosines, labels, strict=True) if owner == label]
            assert by_item[i, label] == pytest.approx(max(own, default=-1))
        nearest = sorted(range(n_gallery), key=lambda item: -cosines[item])[:3]
        total = sum(math.exp(cosines[item] / 0.07) for item in nearest)
        for label in range(4):
            own = [math.exp(cosines[item] / 0.07) for item in nearest if labels[item] == label]
            assert votes[i, label] == pytest.approx(sum(own) / total)


def test_hot_neighbors_vote_like_those_of_sklearn() -> None:
    draws = np.random.default_rng(0)
    gallery, labels, vectors = draws.normal(size=(80, 5)), draws.integers(4, size=80), draws.normal(size=(40, 5))
    unit = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
    known = KNeighborsClassifier(7, metric="cosine").fit(unit, labels)
    found = neighbor_scores(vectors, gallery, labels, n_classes=4, k=7, temperature=1e9)
    np.testing.assert_allclose(found, known.predict_proba(vectors), atol=1e-6)
    cold = neighbor_scores(
        vectors.astype(np.float32), gallery.astype(np.float32), labels, n_classes=4, temperature=1e-4
    )
    np.testing.assert_allclose(cold.sum(axis=1), 1)
    for wrong, message in (({"k": 0}, "above 0"), ({"n_classes": 2}, "gallery labels")):
        with pytest.raises(InputError, match=message):
            neighbor_scores(vectors, gallery, labels, **{"n_classes": 4, **wrong})
