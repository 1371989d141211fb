"""Metrics of answers with exactly one true class per row.

Each is one function of `Predictions` and optional row weights (see `weighting`), in fractions of 1 unless said
otherwise. Without weights the result is a 0-d array: `float(macro_f1(predictions))`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from threatclip.errors import InputError
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.weighting import Values, Weights, mean, one_hot, ratio, row_weights

_PROBABILITY_FLOOR = 1e-12


def accuracy(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Share of rows whose most probable class (the first on a tie) is the true one."""
    weights = row_weights(predictions, weights)
    return mean(predictions.correct, weights)


def macro_f1(
    predictions: Predictions, *, classes: Sequence[str] | None = None, weights: Weights | None = None
) -> Values:
    """Unweighted mean over classes of F1 = 2 TP / (2 TP + FP + FN), 0 where a class has none of the three.

    By default the mean runs over the catalogue classes that occur in the truth. A class that is only ever predicted
    does not enter it by itself, but each such answer is a false negative of the class it should have been. This is
    `sklearn.metrics.f1_score(..., average="macro", labels=sorted(set(truth)), zero_division=0)`. With `classes`, the
    mean runs over exactly those, whether they occur or not.

    Raises:
        InputError: `classes` is empty or names one that is not in the catalogue.
    """
    weights = row_weights(predictions, weights)
    f1, support = _class_f1(predictions, weights)
    if classes is None:
        present = support > 0
        return np.asarray(np.where(present, f1, 0.0).sum(axis=-1) / present.sum(axis=-1))
    return np.asarray(f1[..., class_indices(predictions, classes)].mean(axis=-1))


def weighted_f1(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Mean over classes of F1, each weighted by its number of true rows."""
    weights = row_weights(predictions, weights)
    f1, support = _class_f1(predictions, weights)
    return np.asarray((f1 * support).sum(axis=-1) / support.sum(axis=-1))


def top_k(predictions: Predictions, *, k: int, weights: Weights | None = None) -> Values:
    """Share of rows whose true class is among the k most probable; a tie with it counts as ranked before it.

    Raises:
        InputError: k < 1.
    """
    if k < 1:
        raise InputError(f"top-k needs k >= 1, got {k}")
    weights = row_weights(predictions, weights)
    return mean(true_ranks(predictions) <= k, weights)


def mrr(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Mean reciprocal rank of the true class, with pessimistic ties: equal scores rank before it."""
    weights = row_weights(predictions, weights)
    return mean(1.0 / true_ranks(predictions), weights)


def nll(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Mean negative log-likelihood of the true class, in nats; probabilities below 1e-12 count as 1e-12."""
    weights = row_weights(predictions, weights)
    chosen = predictions.probabilities[np.arange(len(predictions)), predictions.truth]
    return mean(-np.log(np.maximum(chosen, _PROBABILITY_FLOOR)), weights)


def brier(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Mean over rows of the sum over classes of (probability - truth)^2; from 0 to 2 [Brier 1950]."""
    weights = row_weights(predictions, weights)
    truth = one_hot(predictions.truth, len(predictions.classes))
    return mean(((predictions.probabilities - truth) ** 2).sum(axis=1), weights)


def true_ranks(predictions: Predictions) -> Int[np.ndarray, " n"]:
    """Rank of the true class of each row, 1 is best: how many classes score at least as much as it does."""
    chosen = predictions.probabilities[np.arange(len(predictions)), predictions.truth]
    return np.asarray((predictions.probabilities >= chosen[:, None]).sum(axis=1))


def class_indices(predictions: Predictions, classes: Sequence[str]) -> list[int]:
    """Return where each of `classes` stands in the catalogue.

    Raises:
        InputError: none is given or one is not in the catalogue.
    """
    unknown = [name for name in classes if name not in predictions.classes]
    if unknown or not classes:
        raise InputError(f"cannot average over classes {list(classes)}; the catalogue is {list(predictions.classes)}")
    return [predictions.classes.index(name) for name in classes]


def _class_f1(predictions: Predictions, weights: Weights) -> tuple[Values, Values]:
    """Return the F1 and the weighted number of true rows of every catalogue class, both [..., c]."""
    n_classes = len(predictions.classes)
    truth = one_hot(predictions.truth, n_classes)
    answer = one_hot(predictions.predicted, n_classes)
    support, answered = weights @ truth, weights @ answer
    return ratio(2 * (weights @ (truth * answer)), support + answered), support
