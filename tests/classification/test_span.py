"""The fit in the span of the rows is the fit on all features."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from threatclip.classification.linear import LinearSettings, fit_linear
from threatclip.classification.scores import softmax
from threatclip.classification.span import fit_in_span
from threatclip.errors import InputError


def rows(n: int = 30, d: int = 200, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return draw.standard_normal((n, d)) + labels[:, None] * 0.2, labels


@pytest.mark.parametrize("c", [0.1, 3.0])
@pytest.mark.parametrize("d", [5, 200])
def test_the_head_is_the_one_over_all_features(c: float, d: int) -> None:
    features, labels = rows(d=d)
    settings = LinearSettings(kind="logistic", c=c, balanced=False)
    whole = fit_linear(features, labels, n_classes=3, settings=settings, rng=np.random.default_rng(0))
    ((cost, head),) = fit_in_span(features, labels, n_classes=3, costs=(c,), rng=np.random.default_rng(0))
    assert cost == c
    asked = rows(20, d, seed=1)[0]
    np.testing.assert_allclose(softmax(head.scores(asked)), softmax(whole.scores(asked)), atol=2e-2)  # both stop early


def test_sparse_rows_give_the_head_of_dense_ones() -> None:
    features, labels = rows()
    features[np.abs(features) < 1] = 0
    dense = next(fit_in_span(features, labels, n_classes=3, costs=(1.0,), rng=np.random.default_rng(0)))[1]
    thin = sparse.csr_matrix(features)
    other = next(fit_in_span(thin, labels, n_classes=3, costs=(1.0,), rng=np.random.default_rng(0)))[1]
    np.testing.assert_allclose(other.weight, dense.weight, atol=1e-5)


def test_a_weight_is_a_number_of_equal_rows() -> None:
    features, labels = rows()
    weights = np.where(np.arange(len(labels)) < 10, 2.0, 1.0)
    weighed = next(
        fit_in_span(features, labels, n_classes=3, costs=(1.0,), rng=np.random.default_rng(0), weights=weights)
    )[1]
    twice, both = np.concatenate([features, features[:10]]), np.concatenate([labels, labels[:10]])
    repeated = next(fit_in_span(twice, both, n_classes=3, costs=(1.0,), rng=np.random.default_rng(0)))[1]
    np.testing.assert_allclose(softmax(weighed.scores(features)), softmax(repeated.scores(features)), atol=2e-3)


def test_one_class_is_refused() -> None:
    features, _ = rows()
    with pytest.raises(InputError, match="two classes"):
        next(fit_in_span(features, np.zeros(30, dtype=int), n_classes=2, costs=(1.0,), rng=np.random.default_rng(0)))
