"""Outlier scores against double loops, and what batches do to poison that lies close together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.neighbors import LocalOutlierFactor

from filter_cases import evidence, unit, with_parts
from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters.dao import Dao
from threatclip.defenses.filters.k_dist import KDist
from threatclip.defenses.filters.novelty import Novelty
from threatclip.defenses.filters.outliers import batch_rows
from threatclip.defenses.filters.slof import Slof
from threatclip.errors import InputError, RecipeError
from threatclip.evaluation.detection import auroc

WHOLE = 10**6  # rows of a batch: one of all rows


def loop_scores(rows: np.ndarray, k: int) -> dict[str, list[float]]:
    """Return the three scores of every row among all, straight from their definitions."""
    rows = rows.astype(np.float64)
    n = len(rows)
    distance = [[max(1e-4, float(np.linalg.norm(rows[i] - rows[j]))) for j in range(n)] for i in range(n)]
    near = [sorted((j for j in range(n) if j != i), key=lambda j: distance[i][j])[:k] for i in range(n)]
    reach = [distance[i][near[i][-1]] for i in range(n)]
    lid = [-k / sum(math.log(distance[i][j] / reach[i] + 1e-4) for j in near[i]) for i in range(n)]
    return {
        "k_dist": reach,
        "slof": [sum(reach[i] / reach[j] for j in near[i]) / k for i in range(n)],
        "dao": [sum(lid[j] * math.log(reach[i] / reach[j]) for j in near[i]) / k for i in range(n)],
    }


def scored(member: KDist | Slof | Dao | Novelty, case: Evidence, *, seed: int = 0) -> np.ndarray:
    return member.scores(case, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("k", [1, 4, 9])
def test_scores_are_those_of_the_double_loop(k: int) -> None:
    case = evidence(60)
    expected = loop_scores(case.views, k)
    if k > 1:  # the only neighbor lies exactly at its own k-th distance: a dimension of -1 / log(1.0001)
        dao = scored(Dao(k=k, batch=WHOLE, rounds=1), case)
        np.testing.assert_allclose(dao, expected["dao"], rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(scored(KDist(k=k, batch=WHOLE, rounds=1), case), expected["k_dist"], rtol=1e-4)
    np.testing.assert_allclose(scored(Slof(k=k, batch=WHOLE, rounds=1), case), expected["slof"], rtol=1e-4)


def test_no_row_is_its_own_neighbor_and_places_are_those_of_the_batch() -> None:
    # the released code takes the places of neighbors from rows without the row itself: off by one behind the diagonal
    line = np.cumsum(np.arange(1.0, 13.0)) * 0.01
    rows = unit(np.stack([np.cos(line), np.sin(line)], axis=1))
    case = with_parts(evidence(12), views=rows, captions=rows)
    expected = loop_scores(rows, 2)["slof"]
    np.testing.assert_allclose(scored(Slof(k=2, batch=WHOLE, rounds=1), case), expected, rtol=1e-3)


def test_slof_ranks_nearly_as_the_local_outlier_factor() -> None:
    case = evidence(400, planted=8)
    ours = scored(Slof(k=10, batch=WHOLE, rounds=1), case)
    peer = -LocalOutlierFactor(n_neighbors=10).fit(case.views).negative_outlier_factor_
    assert np.corrcoef(ours, peer)[0, 1] > 0.9


def kinds_with_poison(rate: float, *, n: int = 500, spread: float) -> tuple[Evidence, np.ndarray]:
    """Return rows of four kinds with poison in one place of its own, and which it is; trusted rows are of the four."""
    draw = np.random.default_rng(3)
    centers = draw.normal(size=(5, 12))
    planted = np.arange(n) < rate * n

    def around(kinds: np.ndarray) -> np.ndarray:
        width = np.where(kinds == 4, spread, 0.3)[:, None]
        return unit(centers[kinds] + width * draw.normal(size=(len(kinds), 12)))

    rows = around(np.where(planted, 4, draw.integers(4, size=n)))
    trusted = around(draw.integers(4, size=300))
    return with_parts(evidence(n), views=rows, captions=rows, trusted_views=trusted, trusted_captions=trusted), planted


def test_poison_that_outnumbers_the_neighbors_in_a_batch_turns_the_score_over() -> None:
    case, planted = kinds_with_poison(0.06, spread=0.1)
    assert auroc(scored(KDist(batch=500, rounds=1), case), planted) < 0.1  # 30 poisons in a batch, k = 16
    assert auroc(scored(KDist(batch=64), case), planted) > 0.9  # 4


def test_a_batch_is_made_for_the_assumed_rate() -> None:
    assert batch_rows(KDist(k=16, assumed_rate=0.01)) == 400
    assert batch_rows(KDist(k=16, assumed_rate=0.001)) == 4_000
    assert batch_rows(KDist(k=16, assumed_rate=0.5)) == 64
    assert batch_rows(KDist(k=16, assumed_rate=0.5, batch=300)) == 300


def test_rounds_are_a_mean_over_divisions() -> None:
    case = evidence(200)
    many, one = KDist(k=3, batch=50, rounds=12), KDist(k=3, batch=50, rounds=1)
    firm = np.corrcoef(scored(many, case, seed=0), scored(many, case, seed=1))[0, 1]
    loose = np.corrcoef(scored(one, case, seed=0), scored(one, case, seed=1))[0, 1]
    assert firm > loose


def test_each_half_and_the_whole_pair_can_be_looked_at() -> None:
    case = evidence(80)
    joint = np.concatenate([case.views, case.captions], axis=1) / np.sqrt(2)
    for half, rows in (("view", case.views), ("caption", case.captions), ("pair", joint)):
        found = scored(KDist(k=4, half=half, batch=WHOLE, rounds=1), case)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, loop_scores(rows, 4)["k_dist"], rtol=1e-4)


@pytest.mark.parametrize("score", ["k_dist", "slof", "dao"])
def test_among_trusted_pairs_no_rate_hides_poison(score: str) -> None:
    case, planted = kinds_with_poison(0.5, spread=0.3)
    assert auroc(scored(Novelty(score=score), case), planted) > 0.99  # type: ignore[arg-type]
    assert auroc(scored(KDist(batch=500, rounds=1), case), planted) < 0.7


def test_novelty_is_the_outlier_score_with_trusted_neighbors() -> None:
    case = evidence(40, trusted=50)
    distance = np.linalg.norm(case.views[:, None].astype(float) - case.trusted_views[None], axis=2)
    theirs = np.linalg.norm(case.trusted_views[:, None].astype(float) - case.trusted_views[None], axis=2)
    reach = np.sort(theirs, axis=1)[:, 3]  # the first is the row itself
    near = np.argsort(distance, axis=1)[:, :3]
    expected = (np.sort(distance, axis=1)[:, 2:3] / reach[near]).mean(axis=1)
    np.testing.assert_allclose(scored(Novelty(k=3), case), expected, rtol=1e-4)


def test_too_few_rows_or_nothing_trusted_is_refused() -> None:
    with pytest.raises(InputError, match="10 pairs"):
        scored(KDist(), evidence(10))
    none = np.empty((0, 0), dtype=np.float32)
    with pytest.raises(InputError, match="trusted"):
        scored(Novelty(), with_parts(evidence(), trusted_views=none, trusted_captions=none))
    with pytest.raises(InputError, match="k = 16"):
        scored(Novelty(), evidence(trusted=12))


@pytest.mark.parametrize("settings", [{"k": 0}, {"half": "head"}, {"assumed_rate": 0.0}, {"batch": 17}, {"rounds": 0}])
def test_settings_out_of_range_are_refused(settings: dict[str, object]) -> None:
    for member in (KDist, Slof, Dao):
        with pytest.raises(RecipeError, match=next(iter(settings))):
            member(**settings)  # type: ignore[arg-type]
