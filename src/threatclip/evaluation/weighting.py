"""Row weights, by which one definition of a metric serves both the figure and its resamples.

Every metric takes `weights` of shape [..., n] and answers in the shape [...]. A row of weight w counts as w equal
rows, so a bootstrap resample is a vector of counts and no metric is ever written twice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int, Shaped

from threatclip.errors import InputError
from threatclip.evaluation.predictions import Predictions

Weights = Float[np.ndarray, "... n"]
Values = Float[np.ndarray, "..."]


def row_weights(predictions: Predictions, weights: Weights | None) -> Weights:
    """Return `weights`, or ones; every metric of truth starts here.

    Raises:
        InputError: there are no rows, or some have no label.
    """
    n = len(predictions)
    if n == 0:
        raise InputError("no labeled rows to evaluate; choose a table or split that holds labels")
    if (predictions.truth < 0).any():
        raise InputError("some rows have no label; evaluate predictions.labeled()")
    return weights_or_ones(n, weights)


def weights_or_ones(n: int, weights: Weights | None) -> Weights:
    """Return `weights`, or a one for each of `n` rows.

    Raises:
        InputError: the weights are not of `n` rows.
    """
    if weights is None:
        return np.ones(n)
    if weights.shape[-1:] != (n,):
        raise InputError(f"weights of shape {weights.shape} do not fit {n} rows")
    return weights


def mean(values: Shaped[np.ndarray, " n"], weights: Weights) -> Values:
    """Return the weighted mean over the last axis of `weights`."""
    return np.asarray(weights @ np.asarray(values, dtype=np.float64) / weights.sum(axis=-1))


def one_hot(indices: Int[np.ndarray, " n"], n_classes: int) -> Float[np.ndarray, "n c"]:
    """Return a float one-hot matrix, so that `weights @ one_hot` counts each class."""
    return np.asarray(np.eye(n_classes)[indices])


def ratio(numerator: npt.ArrayLike, denominator: npt.ArrayLike, *, empty: float = 0.0) -> Values:
    """Divide element by element; `empty` where the denominator is 0."""
    numerator, denominator = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    safe = np.where(denominator > 0, denominator, 1.0)
    return np.asarray(np.where(denominator > 0, numerator / safe, empty))
