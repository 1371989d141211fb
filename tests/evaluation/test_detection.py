"""Detection: every figure against scikit-learn or a loop, ties shared, and one number a row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from threatclip.errors import InputError
from threatclip.evaluation.detection import (
    auprc,
    auroc,
    detection_metrics,
    detection_scores,
    precision_at_n,
    taken,
)
from threatclip.evaluation.retrieval import mean_over_groups


def case(seed: int, *, levels: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and planted rows; few levels make many ties."""
    draw = np.random.default_rng(seed)
    planted = np.zeros(60, dtype=bool)
    planted[draw.choice(60, size=int(draw.integers(1, 59)), replace=False)] = True
    scores = draw.normal(size=60) + planted
    return (np.round(scores * levels) if levels else scores), planted


@pytest.mark.parametrize("levels", [None, 1, 3])
@pytest.mark.parametrize("seed", range(8))
def test_areas_are_those_of_scikit_learn(seed: int, levels: int | None) -> None:
    scores, planted = case(seed, levels=levels)
    assert auroc(scores, planted) == pytest.approx(roc_auc_score(planted, scores))
    assert auprc(scores, planted) == pytest.approx(average_precision_score(planted, scores))


@pytest.mark.parametrize("seed", range(4))
def test_the_top_is_what_random_orders_of_ties_hold_on_the_mean(seed: int) -> None:
    scores, planted = case(seed, levels=1)
    draw = np.random.default_rng(0)
    n, tops = int(planted.sum()), []
    for _ in range(3_000):
        order = draw.permutation(60)
        tops.append(planted[order[np.argsort(-scores[order], kind="stable")][:n]].mean())
    assert precision_at_n(scores, planted) == pytest.approx(np.mean(tops), abs=0.01)


def test_without_ties_the_top_is_the_top() -> None:
    scores, planted = case(3)
    order = np.argsort(-scores)
    n = int(planted.sum())
    assert precision_at_n(scores, planted) == pytest.approx(planted[order[:n]].mean())


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.data())
def test_as_many_rows_are_taken_as_were_asked_for(values: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(values)))
    chances = taken(np.array(values, dtype=float), count)
    assert chances.sum() == pytest.approx(count)
    assert ((chances >= 0) & (chances <= 1)).all()


def test_figures_are_means_of_rows_with_intervals_over_groups() -> None:
    scores, planted = case(1)
    groups = np.array([f"g{row // 3}" for row in range(60)], dtype=object)
    found = detection_scores(scores, planted, groups=groups, threshold=0.5)
    metrics = mean_over_groups(found, rng=np.random.default_rng(0), n_resamples=200)
    again = detection_metrics(
        scores, planted, groups=groups, threshold=0.5, rng=np.random.default_rng(0), n_resamples=200
    )
    assert again == metrics
    assert set(metrics) == {"auroc", "auprc", "precision_at_n", "recall_top_1", "recall_top_10", "tpr", "fpr"}
    assert metrics["auroc"].value == pytest.approx(auroc(scores, planted))
    assert metrics["auprc"].value == pytest.approx(auprc(scores, planted))
    assert metrics["tpr"].value == pytest.approx((scores[planted] >= 0.5).mean())
    assert metrics["fpr"].value == pytest.approx((scores[~planted] >= 0.5).mean())
    assert metrics["fpr"].n == int((~planted).sum())
    assert metrics["auroc"].n == int(planted.sum())
    assert all(metric.low <= metric.value <= metric.high for metric in metrics.values())
    better = detection_scores(scores + planted, planted, groups=groups, threshold=0.5)
    gain = mean_over_groups(better, minus=found, rng=np.random.default_rng(0), n_resamples=200)
    assert gain["auroc"].value > 0
    assert gain["fpr"].value == 0


@pytest.mark.parametrize(
    ("scores", "planted", "told"),
    [
        (np.zeros(3), np.zeros(3, dtype=bool), "0 of 3"),
        (np.zeros(3), np.ones(3, dtype=bool), "3 of 3"),
        (np.array([0.0, np.nan]), np.array([True, False]), "not finite"),
        (np.zeros(3), np.array([True, False]), "n rows"),
        (np.zeros(2), np.array([1, 0]), "int64"),
    ],
)
def test_what_cannot_be_judged_is_refused(scores: np.ndarray, planted: np.ndarray, told: str) -> None:
    with pytest.raises(InputError, match=told):
        detection_scores(scores, planted)


def test_groups_and_counts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="2 groups"):
        detection_scores(*case(0), groups=np.array(["a", "b"], dtype=object))
    with pytest.raises(InputError, match="top 5 of 3"):
        taken(np.zeros(3), 5)
