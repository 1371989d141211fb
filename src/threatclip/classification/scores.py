"""Scores over a class catalogue, and how they become probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from threatclip.errors import InputError

UNSEEN_SCORE = -1e4
"""Score of a class without training rows: finite, so that it can be stored, and never the answer."""


def log_softmax(scores: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
    """Return natural-log probabilities of each row, stable for scores of any size."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def softmax(scores: Float[np.ndarray, "n c"], *, temperature: float = 1.0) -> Float[np.ndarray, "n c"]:
    """Return the probabilities of scores / temperature; a higher temperature is less sure."""
    return np.asarray(np.exp(log_softmax(np.asarray(scores, dtype=np.float64) / temperature)))


def check_training_rows(rows: int, truth: Int[np.ndarray, " n"], *, n_classes: int) -> None:
    """Check that `truth` labels every row with one of at least two classes.

    Raises:
        InputError: it does not.
    """
    if truth.shape != (rows,):
        raise InputError(f"{rows} training rows have {truth.shape[0]} labels")
    if rows == 0 or truth.min() < 0 or truth.max() >= n_classes:
        raise InputError(f"training needs rows labeled in [0, {n_classes}); drop unlabeled rows first")
    if len(np.unique(truth)) < 2:
        raise InputError("training needs rows of at least two classes; check the split and the labels")


def spread(
    columns: Float[np.ndarray, "n k"], *, classes: Sequence[int] | Int[np.ndarray, " k"], n_classes: int, fill: float
) -> Float[np.ndarray, "n c"]:
    """Put the columns of the classes that were seen in training into a matrix of all classes."""
    full = np.full((len(columns), n_classes), fill, dtype=columns.dtype)
    full[:, np.asarray(classes)] = columns
    return full
