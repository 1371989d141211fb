"""Thresholds keep the rate that they state, by simulation and by their ranks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.defenses.detectors.thresholds import conformal_p_values, conformal_threshold, least_trusted
from threatclip.errors import InputError

RATES = st.floats(0.05, 0.9)


@pytest.mark.parametrize("fpr", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("n_trusted", [199, 250])
def test_the_stated_rate_holds_over_draws(fpr: float, n_trusted: int) -> None:
    draw = np.random.default_rng(0)
    flagged = []
    for _ in range(1_500):
        scores = draw.standard_cauchy(n_trusted + 10)  # no shape of the scores is assumed
        flagged.append((scores[n_trusted:] > conformal_threshold(scores[:n_trusted], fpr=fpr)).mean())
    exact = math.floor(fpr * (n_trusted + 1) + 1e-9) / (n_trusted + 1)
    error = 4 * float(np.std(flagged)) / math.sqrt(len(flagged))
    assert np.mean(flagged) == pytest.approx(exact, abs=error)
    assert exact <= fpr


def test_ties_are_flagged_less_often_not_more() -> None:
    draw = np.random.default_rng(0)
    flagged = []
    for _ in range(2_000):
        scores = np.floor(draw.random(110) * 5)
        flagged.append((scores[99:] > conformal_threshold(scores[:99], fpr=0.25)).mean())
    assert np.mean(flagged) <= 0.25


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-9, 9), min_size=20, max_size=40), st.lists(st.integers(-9, 9), min_size=1), RATES)
def test_a_p_value_says_what_the_threshold_says(trusted: list[int], scores: list[int], fpr: float) -> None:
    known, asked = np.array(trusted, float), np.array(scores, float)
    over = asked > conformal_threshold(known, fpr=fpr)
    assert (over == (conformal_p_values(known, asked) <= fpr + 1e-9)).all()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.floats(-6, 6))
def test_a_p_value_counts(trusted: list[float], score: float) -> None:
    expected = (1 + sum(one >= score for one in trusted)) / (len(trusted) + 1)
    assert conformal_p_values(np.array(trusted), np.array([score]))[0] == pytest.approx(expected)


@settings(deadline=None, max_examples=40)
@given(RATES)
def test_the_least_number_is_the_least_that_serves(fpr: float) -> None:
    least = least_trusted(fpr)
    conformal_threshold(np.arange(least, dtype=float), fpr=fpr)
    if least > 1:
        with pytest.raises(InputError, match=f"give at least {least}"):
            conformal_threshold(np.arange(least - 1, dtype=float), fpr=fpr)


def test_known_numbers() -> None:
    assert [least_trusted(fpr) for fpr in (0.01, 0.005, 0.05, 0.5, 0.1)] == [99, 199, 19, 1, 9]
    assert conformal_threshold(np.arange(99.0), fpr=0.01) == 98.0
    assert conformal_threshold(np.arange(99.0), fpr=0.29) == 70.0  # 0.29 x 100 is 28.999999999999996


@pytest.mark.parametrize("fpr", [0.0, 1.0, -0.1, math.nan])
def test_no_rate_is_refused(fpr: float) -> None:
    with pytest.raises(InputError, match="false-positive rate"):
        conformal_threshold(np.arange(500.0), fpr=fpr)


def test_figures_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="not finite"):
        conformal_threshold(np.array([math.nan] * 99), fpr=0.01)
    with pytest.raises(InputError, match="no trusted scores"):
        conformal_p_values(np.empty(0), np.zeros(1))
