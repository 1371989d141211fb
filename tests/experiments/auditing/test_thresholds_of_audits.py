"""Tails of scores: exact laws are told back, thresholds hardly alarm on clean scores, evidence keeps the order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threatclip.experiments.auditing.thresholds import (
    LEAST_ROWS,
    evidence_of,
    fitted_tail,
    fitted_threshold,
    most_suspect,
)


def quantiles_of(law: str, n: int = 20_001) -> np.ndarray:
    """Return n scores that lie at the quantiles of a law."""
    from scipy import stats

    return np.asarray(getattr(stats, law).ppf((np.arange(n) + 0.5) / n))


def test_an_exponential_tail_is_told_back() -> None:
    tail = fitted_tail(quantiles_of("expon"))
    assert tail is not None
    assert tail.shape == pytest.approx(1.0, abs=0.01)
    assert tail.quantile(1e-6) == pytest.approx(-math.log(1e-6), rel=0.02)


def test_a_normal_tail_is_told_nearly() -> None:
    tail = fitted_tail(quantiles_of("norm"))
    assert tail is not None
    assert tail.shape < 0.65
    assert tail.quantile(1e-6) == pytest.approx(4.75, rel=0.12)


@pytest.mark.parametrize(("law", "most"), [("normal", 20), ("exponential", 30), ("gumbel", 60)])
def test_clean_tables_hardly_alarm(law: str, most: int) -> None:
    """The promise is 10 of 200; it is kept where the tail goes on as its middle tells."""
    draw = np.random.default_rng(0)
    alarms = 0
    for _ in range(200):
        scores = getattr(draw, law)(size=1000)
        alarms += bool((scores >= fitted_threshold(scores, fitted_tail(scores), alarm=0.05)).any())
    assert alarms <= most


def test_planted_scores_far_out_are_found_where_they_are_rare() -> None:
    draw = np.random.default_rng(0)
    scores = draw.normal(size=3000)
    scores[:30] = 9
    found = scores >= fitted_threshold(scores, fitted_tail(scores), alarm=0.05)
    assert np.flatnonzero(found).tolist() == list(range(30))


def test_few_rows_tell_no_tail() -> None:
    scores = np.arange(LEAST_ROWS - 1.0)
    assert fitted_tail(scores) is None
    assert fitted_threshold(scores, None, alarm=0.05) == math.inf


def test_equal_scores_raise_no_alarm() -> None:
    scores = np.ones(500)
    threshold = fitted_threshold(scores, fitted_tail(scores), alarm=0.05)
    assert threshold > 1
    assert fitted_threshold(scores, fitted_tail(scores, least_spread=0.5), alarm=0.05) > 2


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.sampled_from([0.0, 0.5]))
def test_evidence_is_finite_and_keeps_the_order(values: list[float], least: float) -> None:
    scores = np.array(values)
    found = evidence_of(scores, fitted_tail(scores, least_spread=least))
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    order = np.argsort(scores, kind="stable")
    assert (np.diff(found[order]) >= -1e-9 * np.abs(found[order][1:])).all()


def test_evidence_is_three_at_the_95th_percentile() -> None:
    scores = quantiles_of("norm")
    found = evidence_of(scores, fitted_tail(scores))
    assert found[np.searchsorted(scores, np.quantile(scores, 0.95))] == pytest.approx(-math.log(0.05), abs=0.01)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=60), st.floats(0.01, 0.99))
def test_the_top_share_is_as_large_as_asked_for(values: list[float], share: float) -> None:
    scores = np.array(values)
    marked = most_suspect(scores, share=share)
    assert marked.sum() == max(1, round(share * len(scores)))
    assert scores[marked].min() >= scores[~marked].max(initial=-math.inf)
