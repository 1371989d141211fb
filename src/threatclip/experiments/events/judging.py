"""Posts to judge event models on, and the figures of every judgment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from threatclip.evaluation.confidence import ece
from threatclip.evaluation.intervals import Metric
from threatclip.evaluation.metrics import accuracy, macro_f1, weighted_f1
from threatclip.evaluation.paired import paired_difference
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.ranking import base_rate, pr_auc_macro, pr_auc_micro, roc_auc_macro
from threatclip.evaluation.summary import MetricFunction, measure
from threatclip.evaluation.weighting import Values, Weights, ratio, row_weights
from threatclip.experiments.judging import Judged, plain_metrics
from threatclip.pairs.pair import Pair

AREA_RESAMPLES = 2_000  # sorting every class for every resample: enough for an interval, not for a wait

RANKING: Mapping[str, MetricFunction] = {
    "roc_auc_macro": roc_auc_macro,
    "pr_auc_macro": pr_auc_macro,
    "pr_auc_micro": pr_auc_micro,
}
"""Metrics of a ranking, one class against the rest; `base_rate` is the macro PR-AUC of a random one."""

ANSWERS: Mapping[str, MetricFunction] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "weighted_f1": weighted_f1,
    "ece": ece,
}
METRICS: Mapping[str, MetricFunction] = {**RANKING, "base_rate": base_rate, **ANSWERS}
"""What every event model is judged by."""

COMPARED: Mapping[str, MetricFunction] = {**RANKING, "accuracy": accuracy, "macro_f1": macro_f1}
"""What differences of two models are taken of."""


def judged_posts(
    pairs: Sequence[Pair], *, classes: tuple[str, ...], seed: int, clusters: np.ndarray | None = None
) -> Judged:
    """Return posts as rows to judge; with `clusters`, near-duplicates are drawn together by the bootstrap."""
    if clusters is not None:
        pairs = [replace(pair, group=f"cluster {number}") for pair, number in zip(pairs, clusters, strict=True)]
    return Judged(pairs=tuple(pairs), classes=classes, seed=seed)


def model_metrics(judged: Judged, probabilities: np.ndarray, answered: np.ndarray) -> dict[str, Any]:
    """Return every metric of a model that may abstain, with intervals, as plain values."""
    predictions = judged.predictions(probabilities)
    labeled = answered[predictions.truth >= 0]

    def coverage(rows: Predictions, *, weights: Weights | None = None) -> Values:
        weights = row_weights(rows, weights)
        return np.asarray(weights @ labeled.astype(float) / weights.sum(axis=-1))

    def selective_accuracy(rows: Predictions, *, weights: Weights | None = None) -> Values:
        weights = row_weights(rows, weights)
        return ratio(weights @ (labeled * rows.correct), weights @ labeled.astype(float), empty=np.nan)

    functions: dict[str, MetricFunction] = {**METRICS, "coverage": coverage, "selective_accuracy": selective_accuracy}
    return plain_metrics(measure(predictions, functions, rng=judged.draw(), n_resamples=AREA_RESAMPLES))


def plain_judgment(judged: Judged, probabilities: np.ndarray) -> dict[str, Any]:
    """Return the metrics of probabilities, with intervals, as plain values."""
    found = measure(judged.predictions(probabilities), METRICS, rng=judged.draw(), n_resamples=AREA_RESAMPLES)
    return plain_metrics(found)


def differences(judged: Judged, ours: np.ndarray, theirs: np.ndarray) -> dict[str, Metric]:
    """Return our metrics minus theirs with paired intervals."""
    return paired_difference(
        judged.predictions(ours),
        judged.predictions(theirs),
        COMPARED,
        rng=judged.draw(),
        n_resamples=AREA_RESAMPLES,
    )


def changed_answers(judged: Judged, now: np.ndarray, before: np.ndarray) -> dict[str, Any]:
    """Return `changed`, the share of labeled posts with another first answer, as a plain value with its interval."""
    differ = now.argmax(axis=1) != before.argmax(axis=1)
    kept = differ[judged.predictions(now).truth >= 0].astype(float)

    def changed(rows: Predictions, *, weights: Weights | None = None) -> Values:
        weights = row_weights(rows, weights)
        return np.asarray(weights @ kept / weights.sum(axis=-1))

    found = measure(judged.predictions(now), {"changed": changed}, rng=judged.draw(), n_resamples=AREA_RESAMPLES)
    return plain_metrics(found)
