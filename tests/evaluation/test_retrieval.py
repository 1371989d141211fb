"""Retrieval against loops that write everything out, ties, chance, and intervals over groups."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prediction_cases import quick

from threatclip.errors import InputError
from threatclip.evaluation import retrieval
from threatclip.evaluation.intervals import resample_weights
from threatclip.evaluation.retrieval import (
    Judgment,
    chance_recall,
    chance_scores,
    matching_accuracy,
    mean_over_groups,
    query_scores,
    recall_at_k,
    retrieval_metrics,
    search,
)
from threatclip.seeds import rng


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def judgment(seed: int, *, n_groups: int = 12, views: int = 1, captions: int = 3, tied: bool = False) -> Judgment:
    draw = np.random.default_rng(seed)
    meaning = draw.normal(size=(n_groups, 5))
    view_groups, caption_groups = np.repeat(np.arange(n_groups), views), np.repeat(np.arange(n_groups), captions)
    sides = [meaning[groups] + draw.normal(size=(len(groups), 5)) for groups in (view_groups, caption_groups)]
    if tied:
        sides = [np.sign(side) for side in sides]
    names = np.array([f"picture {number}" for number in range(n_groups)], dtype=object)
    return Judgment(
        views=unit(sides[0]).astype(np.float32),
        captions=unit(sides[1]).astype(np.float32),
        view_groups=names[view_groups],
        caption_groups=names[caption_groups],
    )


def slow_rank(cosines: np.ndarray, right: list[bool]) -> int:
    """The best rank of a right item when every tie with it goes to the wrong ones."""
    best = max(value for value, own in zip(cosines.tolist(), right, strict=True) if own)
    return 1 + sum(value >= best for value, own in zip(cosines.tolist(), right, strict=True) if not own)


@quick
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 4), st.booleans())
def test_search_equals_the_loop_over_queries_and_items(seed: int, views: int, captions: int, tied: bool) -> None:
    case = judgment(seed, views=views, captions=captions, tied=tied)
    found = search(case.views, case.captions, case.view_groups, case.caption_groups)
    for row, group in enumerate(case.view_groups):
        right = [other == group for other in case.caption_groups]
        # the same product as a whole: single dot products round in another way
        cosines = (case.views @ case.captions.T)[row]
        assert found.rank[row] == slow_rank(cosines, right)
        assert found.others[row] == right.count(False)


def test_recall_counts_any_hit_of_the_group() -> None:
    gallery = np.eye(4, dtype=np.float32)
    queries = unit(np.array([[1.0, 0.9, 0, 0], [0, 0.2, 0.1, 1.0]], dtype=np.float32))
    found = recall_at_k(queries, gallery, np.array(["a", "b"]), np.array(["c", "a", "b", "d"]), ks=(1, 2, 3))
    assert found == {1: 0.0, 2: 0.5, 3: 1.0}


def test_a_model_that_ties_everything_finds_nothing() -> None:
    same = np.ones((6, 1), dtype=np.float32)
    groups = np.arange(6)
    assert recall_at_k(same, same, groups, groups, ks=(1, 5, 6)) == {1: 0.0, 5: 0.0, 6: 1.0}


def test_large_galleries_are_searched_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    case = judgment(3, n_groups=40)
    sides = (case.views, case.captions, case.view_groups, case.caption_groups)
    whole = search(*sides)
    monkeypatch.setattr(retrieval, "_CHUNK_COSINES", 7 * len(case.captions) + 1)
    np.testing.assert_array_equal(search(*sides).rank, whole.rank)


@pytest.mark.parametrize("captions", [1, 2])
def test_matching_accuracy_is_the_mean_over_every_pool(captions: int) -> None:
    case = judgment(5, n_groups=6, captions=captions)
    cosines = np.stack([case.captions @ view for view in case.views])
    for pool in (2, 4, 6):
        chances = matching_accuracy(case, pool=pool)
        for row, group in enumerate(case.view_groups):
            own = np.flatnonzero(case.caption_groups == group)
            others = np.flatnonzero(case.caption_groups != group)
            pools = list(itertools.combinations(others, pool - 1))
            won = [all(cosines[row, one] > cosines[row, other] for other in drawn) for one in own for drawn in pools]
            assert chances[row] == pytest.approx(np.mean(won))


def test_chance_is_what_random_vectors_find() -> None:
    draw = np.random.default_rng(0)
    groups, captions = np.arange(30), np.repeat(np.arange(30), 5)
    hits = []
    for _ in range(200):
        case = Judgment(
            views=unit(draw.normal(size=(30, 16))),
            captions=unit(draw.normal(size=(150, 16))),
            view_groups=groups,
            caption_groups=captions,
        )
        scores, pool = query_scores(case, pool=20)
        hits.append({name: values.mean() for name, (values, _) in scores.items()})
    chance = chance_scores(case, pool=pool)
    assert set(chance) == set(scores)
    for name in scores:
        found = np.array([run[name] for run in hits])
        assert found.mean() == pytest.approx(chance[name][0].mean(), abs=4 * found.std() / np.sqrt(len(found)))


def test_chance_recall_in_small() -> None:
    # 1 right of 10: k/10; 2 right of 3 in the first 1: 2/3; as many as there are: certain
    np.testing.assert_allclose(chance_recall(np.array([1]), 10, k=5), [0.5])
    np.testing.assert_allclose(chance_recall(np.array([2, 3]), 3, k=1), [2 / 3, 1])
    np.testing.assert_allclose(chance_recall(np.array([1]), 4, k=10), [1])


def test_metrics_carry_the_galleries_and_the_pool() -> None:
    case = judgment(0, n_groups=20, captions=5)
    found = retrieval_metrics(case, rng=rng(0, "t"), pool=10, n_resamples=300)
    assert (found.n_views, found.n_captions, found.pool) == (20, 100, 10)
    names = [f"{way}_r_{k}" for way in ("i2t", "t2i") for k in (1, 5, 10)]
    assert list(found.metrics) == [*names, "matching_accuracy"]
    assert found.metrics["i2t_r_1"].n == 20
    assert found.metrics["t2i_r_1"].n == 100
    for metric in found.metrics.values():
        assert 0 <= metric.low <= metric.value <= metric.high <= 1
    plain = recall_at_k(case.views, case.captions, case.view_groups, case.caption_groups)
    assert found.metrics["i2t_r_5"].value == pytest.approx(plain[5])


def test_a_small_gallery_shrinks_the_pool() -> None:
    case = judgment(0, n_groups=4, captions=2)
    assert retrieval_metrics(case, rng=rng(0, "t"), n_resamples=10).pool == 7


def test_intervals_draw_whole_groups() -> None:
    case = judgment(1, n_groups=15, captions=4)
    scores, _ = query_scores(case)
    found = mean_over_groups({"t2i_r_1": scores["t2i_r_1"]}, rng=rng(2, "t"), n_resamples=400)["t2i_r_1"]
    values, owners = scores["t2i_r_1"]
    groups = sorted(set(owners.tolist()))
    drawn = []
    for weights in resample_weights(np.array(groups, dtype=object), rng=rng(2, "t"), n_resamples=400):
        for row in weights:
            times = dict(zip(groups, row, strict=True))
            drawn.append(np.average(values, weights=[times[owner] for owner in owners]))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))


def test_a_difference_is_paired() -> None:
    ours, theirs = judgment(1, n_groups=60), judgment(1, n_groups=60)
    found = mean_over_groups(query_scores(ours)[0], minus=query_scores(theirs)[0], rng=rng(0, "t"), n_resamples=50)
    assert {(metric.value, metric.low, metric.high) for metric in found.values()} == {(0.0, 0.0, 0.0)}
    with pytest.raises(InputError, match="same queries"):
        mean_over_groups(query_scores(ours)[0], minus=query_scores(judgment(1))[0], rng=rng(0, "t"))


@pytest.mark.parametrize(
    ("query_groups", "gallery_groups"), [(["a", "b"], ["a", "a"]), (["a"], ["a", "a"]), (["a", "a"], ["a"])]
)
def test_what_cannot_be_searched_is_refused(query_groups: list[str], gallery_groups: list[str]) -> None:
    rows = np.eye(2, dtype=np.float32)
    with pytest.raises(InputError):
        search(rows, rows, np.array(query_groups), np.array(gallery_groups))
