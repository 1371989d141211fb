"""The figures that a study's tables are made of: pure functions of predictions, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist

import numpy as np

from threatclip.errors import InputError
from threatclip.evaluation.confidence import coverage_at_precision, ece
from threatclip.evaluation.intervals import LEVEL, N_RESAMPLES, Metric
from threatclip.evaluation.metrics import accuracy, class_indices, macro_f1, weighted_f1
from threatclip.evaluation.paired import mean_metrics, paired_difference
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.summary import MetricFunction
from threatclip.evaluation.weighting import Values, Weights, ratio, row_weights
from threatclip.seeds import rng

BOTH: Mapping[str, MetricFunction] = {"accuracy": accuracy, "macro_f1": macro_f1}
MACRO: Mapping[str, MetricFunction] = {"macro_f1": macro_f1}
HEADLINE: Mapping[str, MetricFunction] = {
    **BOTH,
    "weighted_f1": weighted_f1,
    "ece": ece,
    "coverage": partial(coverage_at_precision, precision=0.9),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """How intervals are made: the same resamples for every figure on the same rows, so comparisons are paired."""

    n_resamples: int = N_RESAMPLES
    seed: int = 0

    def mean(self, answers: Sequence[Predictions], metrics: Mapping[str, MetricFunction]) -> dict[str, Metric]:
        """Return the mean of each metric over seeds with its interval; nothing where there are no answers."""
        if not answers:
            return {}
        return mean_metrics(answers, metrics, rng=self._draw(), n_resamples=self.n_resamples)

    def difference(
        self, first: Sequence[Predictions], second: Sequence[Predictions], metrics: Mapping[str, MetricFunction]
    ) -> dict[str, Metric]:
        """Return mean metric(first) - mean metric(second) with its paired interval; nothing where a side is empty."""
        if not first or not second:
            return {}
        return paired_difference(first, second, metrics, rng=self._draw(), n_resamples=self.n_resamples)

    def _draw(self) -> np.random.Generator:
        return rng(self.seed, "bootstrap")


def values(answers: Sequence[Predictions], metric: MetricFunction) -> list[float]:
    """Return a metric's value on the labeled rows of each set of answers."""
    return [float(metric(one.labeled())) for one in answers]


def mean_sd(figures: Sequence[float]) -> tuple[float, float]:
    """Return mean and sample standard deviation (n - 1); NaN where there are too few."""
    mean = float(np.mean(figures)) if figures else math.nan
    return mean, float(np.std(figures, ddof=1)) if len(figures) > 1 else math.nan


def wilson(successes: float, n: int, *, level: float = LEVEL) -> Metric:
    """Return a share with its Wilson score interval [Wilson 1927]; `successes` may be a mean over seeds.

    Raises:
        InputError: n < 1 or successes outside [0, n].
    """
    if n < 1 or not 0 <= successes <= n:
        raise InputError(f"{successes} of {n} is no share")
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    share = successes / n
    center = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Metric(value=share, low=max(0.0, center - half), high=min(1.0, center + half), n=n)


def recall_of(name: str) -> MetricFunction:
    """Return the metric "recall of one class": NaN where a resample has no row of it."""

    def recall(predictions: Predictions, /, *, weights: Weights | None = None) -> Values:
        weights = row_weights(predictions, weights)
        actual = (predictions.truth == class_indices(predictions, [name])[0]).astype(float)
        return ratio(weights @ (actual * predictions.correct), weights @ actual, empty=np.nan)

    return recall


def f1_of(name: str) -> MetricFunction:
    """Return the metric "F1 of one class"."""
    return partial(macro_f1, classes=(name,))


def without_classes(predictions: Predictions, dropped: Sequence[str]) -> Predictions:
    """Return the rows of other classes with their probabilities over the other classes alone.

    Raises:
        InputError: no class or no row is left.
    """
    kept = [k for k, name in enumerate(predictions.classes) if name not in dropped]
    rows = np.isin(predictions.truth, kept)
    if not kept or not rows.any():
        raise InputError(f"without {', '.join(dropped)} nothing is left to judge")
    part = predictions.take(rows)
    inner = part.probabilities[:, kept]
    # a row that gave everything to a dropped class says nothing about the others
    shares = ratio(inner, inner.sum(axis=1, keepdims=True).repeat(len(kept), axis=1), empty=1 / len(kept))
    return Predictions(
        truth=np.searchsorted(kept, part.truth),
        probabilities=shares,
        groups=part.groups,
        ids=part.ids,
        classes=tuple(predictions.classes[k] for k in kept),
    )


def answered_share(predictions: Predictions, threshold: float) -> float:
    """Return the share of all rows, labeled or not, whose confidence is at least `threshold`."""
    return float((predictions.confidence >= threshold).mean())


def answer_shares(predictions: Predictions) -> dict[str, float]:
    """Return for each class the share of rows for which it is the answer."""
    counts = np.bincount(predictions.predicted, minlength=len(predictions.classes))
    return dict(zip(predictions.classes, (counts / len(predictions)).tolist(), strict=True))


def present_classes(predictions: Predictions) -> dict[str, int]:
    """Return the classes that occur in the truth with their number of rows."""
    counts = np.bincount(predictions.truth[predictions.truth >= 0], minlength=len(predictions.classes))
    return {name: int(n) for name, n in zip(predictions.classes, counts, strict=True) if n}


def same_rows(answers: Sequence[Predictions]) -> bool:
    """Return whether all are about the same rows, so that one interval can speak of their mean."""
    first = answers[0]
    return all(
        one.ids == first.ids and one.classes == first.classes and np.array_equal(one.truth, first.truth)
        for one in answers
    )
