"""Groups on one scale, against plain loops; and what it must not do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threatclip.experiments.attribution.incidents import standardized
from threatclip.experiments.attribution.scaling import fit_scale
from threatclip.seeds import rng


def test_a_group_is_held_against_its_scores_on_other_groups() -> None:
    scores = rng(0, "tests/scale").standard_normal((30, 4)) + np.array([0.0, 3.0, 0.0, -1.0])
    owner = np.arange(30) % 4
    scale = fit_scale(scores, np.eye(4)[owner] == 0)
    known = standardized(scores)
    for group in range(4):
        others = [known[row, group] for row in range(30) if owner[row] != group]
        assert scale.center[group] == pytest.approx(np.mean(others))
        assert scale.spread[group] == pytest.approx(np.std(others))
    np.testing.assert_allclose(scale(scores), (known - scale.center) / scale.spread)
    assert abs(scale(scores)[owner != 1, 1].mean()) < 1e-9


@given(shift=st.floats(-5, 5), factor=st.floats(0.1, 10))
def test_the_scale_of_a_sentence_does_not_matter(shift: float, factor: float) -> None:
    scores = rng(1, "tests/scale").standard_normal((12, 3))
    scale = fit_scale(scores, np.eye(3)[np.arange(12) % 3] == 0)
    np.testing.assert_allclose(scale(scores * factor + shift), scale(scores), atol=1e-6)


def test_a_sentence_that_speaks_for_nobody_stays_silent() -> None:
    scale = fit_scale(rng(2, "tests/scale").standard_normal((9, 3)), np.eye(3)[np.arange(9) % 3] == 0)
    np.testing.assert_array_equal(scale(np.zeros((2, 3))), np.zeros((2, 3)))
