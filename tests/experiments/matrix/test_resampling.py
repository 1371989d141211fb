"""One bootstrap for all: what `mean_over_groups` says of the same rows, and figures of several means."""

from __future__ import annotations

import numpy as np
import pytest

from threatclip.evaluation.retrieval import mean_over_groups
from threatclip.experiments.matrix.resampling import Resampling
from threatclip.seeds import rng

OWNERS = np.array([f"g{row // 2}" for row in range(60)], dtype=object)
SCORES = {
    "a": (np.arange(60) % 3 * 1.0, OWNERS),
    "b": (np.linspace(0, 1, 20), OWNERS[:20]),
}


def test_means_and_intervals_are_those_of_a_bootstrap_over_groups() -> None:
    found = Resampling(n_resamples=500).means(SCORES)
    expected = mean_over_groups(SCORES, rng=rng(0, "matrix/document"), n_resamples=500)
    for name, metric in expected.items():
        assert found[name].as_dict() == pytest.approx(metric.as_dict())
    assert Resampling().means({}) == {}


def test_a_figure_of_two_means_is_drawn_with_both() -> None:
    one = Resampling(n_resamples=300)
    difference = one.figure([SCORES["a"], SCORES["a"]], lambda means: means[..., 0] - means[..., 1])
    assert (difference.value, difference.low, difference.high, difference.n) == (0.0, 0.0, 0.0, 60)
