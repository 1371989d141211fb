"""Random predictions for the tests of metrics, and the slow way to write down a resample."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from threatclip.evaluation.predictions import Predictions


def make_predictions(truth: np.ndarray, probabilities: np.ndarray, groups: np.ndarray | None = None) -> Predictions:
    n, c = probabilities.shape
    return Predictions(
        truth=np.asarray(truth, dtype=np.int64),
        probabilities=np.asarray(probabilities, dtype=np.float64),
        groups=np.arange(n) if groups is None else groups,
        ids=tuple(f"r{i}" for i in range(n)),
        classes=tuple(f"class{k}" for k in range(c)),
    )


def random_predictions(n: int, c: int, seed: int, *, n_groups: int | None = None, tied: bool = False) -> Predictions:
    """Predictions that are right about half of the time; `tied` probabilities take few values."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(c, size=n)
    scores = rng.normal(size=(n, c)) + 2 * np.eye(c)[truth]
    if tied:
        counts = rng.multinomial(4, np.full(c, 1 / c), size=n) + np.eye(c)[truth]
        probabilities = counts / counts.sum(axis=1, keepdims=True)
    else:
        probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return make_predictions(truth, probabilities, rng.integers(n_groups, size=n) if n_groups else None)


def repeat_rows(predictions: Predictions, counts: np.ndarray) -> Predictions:
    """Write row i out counts[i] times: what integer weights stand for."""
    rows = np.repeat(np.arange(len(predictions)), counts)
    return make_predictions(predictions.truth[rows], predictions.probabilities[rows])


CASES = st.fixed_dictionaries(
    {"n": st.integers(1, 40), "c": st.integers(2, 6), "seed": st.integers(0, 2**31), "tied": st.booleans()}
)
"""Arguments of `random_predictions`."""

quick = settings(deadline=None, max_examples=60)
