"""The frontier: its area against plain loops, and which points nothing beats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.evaluation.intervals import Metric
from threatclip.experiments.matrix.frontier import BUDGET, area_of, pareto, remaining
from threatclip.experiments.matrix.resampling import Resampling
from threatclip.experiments.matrix.spots import Spot

shares = st.floats(0, 1)


def spot(accuracy: float, success: float, *, seeds: tuple[int, ...] = (0,), n: int = 40) -> Spot:
    groups = np.array([f"g{row}" for row in range(n)], dtype=object)
    rows = {
        "clean_accuracy_1": (1.0 * (np.arange(n) < round(n * accuracy)), groups),
        "asr_1": (1.0 * (np.arange(n) < round(n * success)), groups),
    }
    metrics = {name: Metric(value=float(values.mean()), low=0.0, high=1.0, n=n) for name, (values, _) in rows.items()}
    return Spot(line="a", attack="b", count=1, defense="d", work="repair", seeds=seeds, metrics=metrics, scores=rows)


@settings(deadline=None)
@given(points=st.lists(st.tuples(shares, shares), min_size=1, max_size=6))
def test_the_area_is_the_mean_of_the_least_success_at_each_loss(points: list[tuple[float, float]]) -> None:
    accuracy, success = (np.array(column) for column in zip(*points, strict=True))
    steps = []
    for step in range(101):
        allowed = [points[0][1]]
        for own, left in points:
            if points[0][0] - own <= BUDGET * step / 100 + 1e-12:
                allowed.append(left)
        steps.append(min(allowed))
    assert area_of(accuracy, success) == pytest.approx(sum(steps) / 101)


def test_a_rate_that_erases_at_half_the_budget_leaves_half() -> None:
    bare, erased = spot(0.75, 1.0), spot(0.7, 0.0)
    left = remaining(bare, [erased], Resampling(n_resamples=200))
    assert left is not None
    assert left.value == pytest.approx(0.5, abs=0.01)
    assert left.low <= left.value <= left.high


def test_nothing_tried_on_the_same_seeds_leaves_no_figure() -> None:
    assert remaining(spot(0.7, 1.0), [spot(0.7, 0.5, seeds=(0, 1))], Resampling(n_resamples=20)) is None


def test_points_that_are_beaten_are_not_on_the_frontier() -> None:
    spots = [spot(0.7, 1.0), spot(0.6, 0.5), spot(0.5, 0.5), spot(0.7, 0.9)]
    assert pareto(spots) == [False, True, False, True]
