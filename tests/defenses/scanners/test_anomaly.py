"""Outliers of a few figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.defenses.scanners.anomaly import smallness

FIGURES = st.lists(st.floats(-10, 10), min_size=3, max_size=12)


def test_a_known_case() -> None:
    found = smallness(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), least_spread=0.05)
    np.testing.assert_allclose(found, np.array([2, 1, 0, -1, -2]) / 1.4826)


@settings(deadline=None, max_examples=40)
@given(FIGURES)
def test_the_smallest_figure_has_the_largest_index(figures: list[float]) -> None:
    sizes = np.array(figures)
    found = smallness(sizes, least_spread=0.05)
    assert np.isfinite(found).all()
    assert found.max() == found[sizes.argmin()]
    assert (np.sign(found) == np.sign(np.median(sizes) - sizes)).all()


@settings(deadline=None, max_examples=40)
@given(FIGURES, st.floats(-5, 5))
def test_only_differences_count(figures: list[float], shift: float) -> None:
    shifted, plain = (smallness(np.array(figures) + by, least_spread=0.05) for by in (shift, 0.0))
    np.testing.assert_allclose(shifted, plain, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, -3.0, 0.4])
def test_equal_figures_are_no_outliers(value: float) -> None:
    assert (smallness(np.full(5, value), least_spread=0.05) == 0).all()


def test_a_spread_below_the_least_is_taken_for_it() -> None:
    close = np.array([0.0, 1.0, 1.01, 1.02, 1.03])
    assert smallness(close, least_spread=0.5).max() == pytest.approx(1.01 / 0.5)
