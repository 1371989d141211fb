"""Threshold-free metrics, one class against the rest: areas under the ROC and the precision-recall curve."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import digamma

from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.weighting import Values, Weights, one_hot, ratio, row_weights

_Area = Callable[[Float[np.ndarray, " n"], Bool[np.ndarray, " n"], Weights], Values]


def roc_auc_macro(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Mean over classes of P(score of a row of the class > score of another row), ties one half.

    Over the classes that have both rows of their own and others; NaN if none has. Equals
    `sklearn.metrics.roc_auc_score(one_hot, probabilities, average="macro")` when every class occurs.
    """
    return _macro(predictions, row_weights(predictions, weights), _roc_auc)


def pr_auc_macro(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Mean over the classes that occur of the average precision, one class against the rest.

    AP = sum over thresholds of (recall - previous recall) * precision, without interpolation, as
    `sklearn.metrics.average_precision_score`.
    """
    return _macro(predictions, row_weights(predictions, weights), _average_precision)


def pr_auc_micro(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Average precision over all n x c (row, class) decisions in one ranking."""
    weights = row_weights(predictions, weights)
    n_classes = len(predictions.classes)
    positive = one_hot(predictions.truth, n_classes).astype(bool).ravel()
    repeated = np.repeat(weights, n_classes, axis=-1)
    return _average_precision(predictions.probabilities.ravel(), positive, repeated)


def base_rate(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Mean over the classes that occur of the class's share of the rows: what `pr_auc_macro` of a random ranking
    of many rows tends to. On few rows chance is higher, see `random_pr_auc_macro`.
    """
    weights = row_weights(predictions, weights)
    share = weights @ one_hot(predictions.truth, len(predictions.classes)) / weights.sum(axis=-1)[..., None]
    present = share > 0
    return np.asarray(share.sum(axis=-1) / present.sum(axis=-1))


def random_pr_auc_macro(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Mean over the classes that occur of the average precision that a random ranking is expected to have.

    With p of n rows in the class: E[AP] = 1/n sum_{i=1..n} (1 + (i - 1) (p - 1) / (n - 1)) / i, which is well above
    p/n where n is small. Weights must be whole numbers of rows, as those of a resample are.
    """
    weights = row_weights(predictions, weights)
    n = weights.sum(axis=-1)[..., None]
    harmonic = digamma(n + 1) + np.euler_gamma
    count = weights @ one_hot(predictions.truth, len(predictions.classes))
    slope = ratio(count - 1, n - 1)
    expected = (harmonic + slope * (n - harmonic)) / n
    present = count > 0
    return ratio(np.where(present, expected, 0.0).sum(axis=-1), present.sum(axis=-1), empty=np.nan)


def _macro(predictions: Predictions, weights: Weights, area: _Area) -> Values:
    """Return the mean of `area` over classes, leaving out those where it is undefined."""
    areas = np.stack(
        [
            area(predictions.probabilities[:, k], predictions.truth == k, weights)
            for k in range(len(predictions.classes))
        ],
        axis=-1,
    )
    defined = ~np.isnan(areas)
    return ratio(np.where(defined, areas, 0.0).sum(axis=-1), defined.sum(axis=-1), empty=np.nan)


def _counts(scores: Float[np.ndarray, " n"], rows: Bool[np.ndarray, " n"], weights: Weights) -> tuple[Values, Values]:
    """Return the weight of positive and of negative rows at each distinct score, highest first, both [..., m]."""
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))
    ordered = weights[..., order]
    positive = np.add.reduceat(ordered * rows[order], starts, axis=-1)
    return positive, np.add.reduceat(ordered, starts, axis=-1) - positive


def _roc_auc(scores: Float[np.ndarray, " n"], rows: Bool[np.ndarray, " n"], weights: Weights) -> Values:
    positive, negative = _counts(scores, rows, weights)
    above = np.cumsum(positive, axis=-1) - 0.5 * positive
    pairs = positive.sum(axis=-1) * negative.sum(axis=-1)
    return ratio((above * negative).sum(axis=-1), pairs, empty=np.nan)


def _average_precision(scores: Float[np.ndarray, " n"], rows: Bool[np.ndarray, " n"], weights: Weights) -> Values:
    positive, negative = _counts(scores, rows, weights)
    right = np.cumsum(positive, axis=-1)
    precision = ratio(right, right + np.cumsum(negative, axis=-1))
    return ratio((precision * positive).sum(axis=-1), positive.sum(axis=-1), empty=np.nan)
