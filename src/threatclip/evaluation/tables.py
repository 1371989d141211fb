"""Tables over classes: precision, recall and F1 of each, and what is taken for what."""

from __future__ import annotations

import numpy as np

from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.weighting import Values, Weights, one_hot, ratio, row_weights

PER_CLASS_COLUMNS = ("precision", "recall", "f1")


def per_class(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Return precision, recall and F1 of every catalogue class, [..., c, 3]; 0 where the denominator is 0.

    Precision = TP / (TP + FP), recall = TP / (TP + FN), F1 their harmonic mean. The support is
    `support(predictions)`.
    """
    weights = row_weights(predictions, weights)
    n_classes = len(predictions.classes)
    truth, answer = one_hot(predictions.truth, n_classes), one_hot(predictions.predicted, n_classes)
    right, actual, answered = weights @ (truth * answer), weights @ truth, weights @ answer
    return np.stack([ratio(right, answered), ratio(right, actual), ratio(2 * right, actual + answered)], axis=-1)


def support(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Return the number of true rows of every catalogue class, [..., c]."""
    return np.asarray(row_weights(predictions, weights) @ one_hot(predictions.truth, len(predictions.classes)))


def confusion(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Return counts [..., c, c]: rows are the true class, columns the predicted one."""
    weights = row_weights(predictions, weights)
    n_classes = len(predictions.classes)
    cells = one_hot(predictions.truth * n_classes + predictions.predicted, n_classes * n_classes)
    return np.asarray((weights @ cells).reshape(*weights.shape[:-1], n_classes, n_classes))


def confusion_rates(predictions: Predictions, *, weights: Weights | None = None) -> Values:
    """Return `confusion` divided by the number of true rows of each class; 0 for a class that does not occur."""
    counts = confusion(predictions, weights=weights)
    return ratio(counts, np.broadcast_to(counts.sum(axis=-1, keepdims=True), counts.shape))
