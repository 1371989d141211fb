"""Thresholds: trusted ones keep their promise, robust ones stand above the bulk, labeled ones part the sample."""

from __future__ import annotations

import numpy as np
import pytest

from threatclip.defenses.filters.thresholds import robust_threshold, threshold, trusted_threshold
from threatclip.errors import InputError


@pytest.mark.parametrize("fpr", [0.01, 0.05, 0.3])
def test_a_trusted_threshold_keeps_its_rate_on_the_mean(fpr: float) -> None:
    draw = np.random.default_rng(0)
    accused = [
        (draw.normal(size=2_000) >= trusted_threshold(draw.normal(size=150), fpr=fpr)).mean() for _ in range(200)
    ]
    assert np.mean(accused) <= fpr * 1.1
    assert np.mean(accused) > fpr * 0.5


def test_equal_trusted_scores_accuse_no_pair_that_scores_the_same() -> None:
    assert not (np.zeros(5) >= trusted_threshold(np.zeros(200), fpr=0.01)).any()


def test_a_robust_threshold_is_not_moved_by_what_stands_out() -> None:
    draw = np.random.default_rng(0)
    clean = draw.normal(size=10_000)
    alone, beside = robust_threshold(clean), robust_threshold(np.concatenate([clean, np.full(500, 50.0)]))
    assert alone == pytest.approx(3.5, abs=0.1)
    assert beside == pytest.approx(alone, abs=0.3)
    assert (clean >= beside).mean() < 0.001


def test_where_most_scores_are_equal_anything_higher_stands_out() -> None:
    scores = np.array([0.0] * 9 + [1e-9])
    assert (scores >= robust_threshold(scores)).tolist() == [False] * 9 + [True]


def test_trusted_scores_decide_where_there_are_any() -> None:
    draw = np.random.default_rng(0)
    scores, trusted = draw.normal(size=500), draw.normal(size=200)
    assert threshold(scores) == robust_threshold(scores)
    assert threshold(scores, np.empty(0)) == robust_threshold(scores)
    assert threshold(scores, trusted, fpr=0.1) == trusted_threshold(trusted, fpr=0.1)


def test_what_promises_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="at least 99"):
        trusted_threshold(np.zeros(98), fpr=0.01)
    assert trusted_threshold(np.zeros(99), fpr=0.01) > 0
    for fpr in (0.0, 1.0):
        with pytest.raises(InputError, match="fpr"):
            trusted_threshold(np.zeros(99), fpr=fpr)
    with pytest.raises(InputError, match="mads"):
        robust_threshold(np.zeros(9), mads=0)
    with pytest.raises(InputError, match="0 scores"):
        robust_threshold(np.empty(0))
