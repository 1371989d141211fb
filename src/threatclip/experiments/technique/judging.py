"""Figures of technique labelers: techniques, parents, ranks, and what is right where a model answers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from threatclip.evaluation.confidence import ece
from threatclip.evaluation.intervals import Metric
from threatclip.evaluation.metrics import accuracy, macro_f1, mrr, top_k, weighted_f1
from threatclip.evaluation.paired import paired_difference
from threatclip.evaluation.predictions import Predictions, predictions_of
from threatclip.evaluation.summary import MetricFunction, measure
from threatclip.evaluation.weighting import Values, Weights, mean, ratio, row_weights
from threatclip.experiments.judging import plain_metrics
from threatclip.experiments.rows import Rows
from threatclip.experiments.technique.model import TechniqueModel, family_probabilities
from threatclip.experiments.technique.rows import Techniques
from threatclip.seeds import rng

RESAMPLES = 2_000  # hundreds of classes are counted anew for each


def predictions(rows: Rows, techniques: Techniques, probabilities: np.ndarray) -> Predictions:
    """Return the judge's view of probabilities [n, c]; rows of one report are drawn together."""
    return predictions_of(
        labels=[techniques.ids[label] for label in rows.labels.tolist()],
        probabilities=probabilities / probabilities.sum(axis=1, keepdims=True),
        classes=techniques.ids,
        ids=[pair.id for pair in rows.pairs],
        groups=[pair.group for pair in rows.pairs],
    )


def parent_accuracy(rows: Predictions, *, families: np.ndarray, weights: Weights | None = None) -> Values:
    """Share of rows whose most probable technique is of the true one's family, [c] numbers of which are given."""
    weights = row_weights(rows, weights)
    return mean(families[rows.predicted] == families[rows.truth], weights)


def metrics_of(techniques: Techniques) -> dict[str, MetricFunction]:
    """Return what every technique labeler is judged by; micro F1 of single labels is the accuracy."""
    return {
        "accuracy": accuracy,
        "macro_f1": macro_f1,
        "weighted_f1": weighted_f1,
        "parent_accuracy": partial(parent_accuracy, families=techniques.family_of),
        "top_5": partial(top_k, k=5),
        "mrr": mrr,
    }


def figures(rows: Rows, techniques: Techniques, probabilities: np.ndarray, *, seed: int) -> dict[str, Any]:
    """Return every metric with its interval, as plain values."""
    found = measure(
        predictions(rows, techniques, probabilities),
        {**metrics_of(techniques), "ece": ece},
        rng=rng(seed, "bootstrap"),
        n_resamples=RESAMPLES,
    )
    return plain_metrics(found)


def answered(model: TechniqueModel, rows: Rows, probabilities: np.ndarray, *, seed: int) -> dict[str, Any]:
    """Return coverage and precision of named techniques, and of what is named at all, parents included."""
    families = family_probabilities(probabilities, model.techniques)
    named = model.technique.answers(probabilities)
    fallen = ~named & model.parent.answers(families)
    right = probabilities.argmax(axis=1) == rows.labels
    parent_right = families.argmax(axis=1) == model.techniques.family_of[rows.labels]
    fine = np.where(named, right, parent_right)
    functions = {
        "coverage": partial(_share, of=named),
        "selective_accuracy": partial(_share, of=right & named, among=named),
        "coverage_with_parents": partial(_share, of=named | fallen),
        "selective_accuracy_with_parents": partial(_share, of=fine & (named | fallen), among=named | fallen),
    }
    judged = predictions(rows, model.techniques, probabilities)
    return plain_metrics(measure(judged, functions, rng=rng(seed, "bootstrap"), n_resamples=RESAMPLES))


def difference(
    rows: Rows, techniques: Techniques, ours: np.ndarray, theirs: np.ndarray, *, seed: int
) -> dict[str, Metric]:
    """Return our metrics minus theirs with paired intervals."""
    return paired_difference(
        predictions(rows, techniques, ours),
        predictions(rows, techniques, theirs),
        metrics_of(techniques),
        rng=rng(seed, "bootstrap"),
        n_resamples=RESAMPLES,
    )


def scale_free(scores: np.ndarray) -> np.ndarray:
    """Return scores without a meaning of their own, such as margins, as probabilities of the same order."""
    shifted = np.exp(np.maximum(scores - scores.max(axis=1, keepdims=True), -50.0))
    found: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
    return found


def plain_difference(found: Mapping[str, Metric]) -> dict[str, Any]:
    """Return differences as plain values."""
    return plain_metrics(found)


def _share(
    rows: Predictions, *, of: np.ndarray, among: np.ndarray | None = None, weights: Weights | None = None
) -> Values:
    weights = row_weights(rows, weights)
    counted = np.ones(len(of)) if among is None else among.astype(float)
    return ratio(weights @ of.astype(float), weights @ counted, empty=np.nan)
