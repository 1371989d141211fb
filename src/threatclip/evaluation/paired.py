"""Comparisons of two models on the same rows: paired bootstrap of a difference, exact McNemar test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import binomtest

from threatclip.errors import InputError
from threatclip.evaluation.intervals import LEVEL, N_RESAMPLES, Metric, Statistic, bootstrap
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.summary import MetricFunction
from threatclip.evaluation.weighting import Values, Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class McNemar:
    """The exact test of "both models are right equally often": two-sided binomial over the rows where one is."""

    only_first: int
    only_second: int
    p_value: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"only_first": self.only_first, "only_second": self.only_second, "p_value": self.p_value}


def mcnemar(first: Predictions, second: Predictions) -> McNemar:
    """Test whether two models differ in accuracy on the labeled rows [McNemar 1947, exact].

    Raises:
        InputError: the two are not about the same rows.
    """
    first, second = _same_rows(first, second)
    only_first = int((first.correct & ~second.correct).sum())
    only_second = int((second.correct & ~first.correct).sum())
    discordant = only_first + only_second
    p_value = float(binomtest(only_first, discordant, 0.5).pvalue) if discordant else 1.0
    return McNemar(only_first=only_first, only_second=only_second, p_value=p_value)


def paired_difference(
    first: Predictions | Sequence[Predictions],
    second: Predictions | Sequence[Predictions],
    metrics: Mapping[str, MetricFunction],
    *,
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> dict[str, Metric]:
    """Return metric(first) - metric(second), with the interval of the difference over shared resamples of groups.

    A gain is shown when the interval excludes 0. Several predictions on one side (seeds of one recipe) enter by the
    mean of their metric on each resample.

    Raises:
        InputError: the predictions are not about the same rows.
    """
    ours = [first] if isinstance(first, Predictions) else list(first)
    theirs = [second] if isinstance(second, Predictions) else list(second)
    if not ours or not theirs:
        raise InputError("a paired comparison needs predictions on both sides")
    pairs = [_same_rows(ours[0], other) for other in [*ours, *theirs]]
    rows = [other for _, other in pairs]
    statistics = {
        name: partial(_difference, metric, rows[: len(ours)], rows[len(ours) :]) for name, metric in metrics.items()
    }
    intervals = bootstrap(statistics, groups=rows[0].groups, rng=rng, n_resamples=n_resamples, level=level)
    return {name: interval.metric() for name, interval in intervals.items()}


def mean_metrics(
    predictions: Sequence[Predictions],
    metrics: Mapping[str, MetricFunction],
    *,
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> dict[str, Metric]:
    """Return the mean of each metric over several predictions of the same rows (seeds), with its interval.

    The interval tells the spread over rows, not over seeds: state the seeds' own values beside it.

    Raises:
        InputError: there are none, or they are not about the same rows.
    """
    if not predictions:
        raise InputError("a mean over seeds needs at least one set of predictions")
    rows = [_same_rows(predictions[0], other)[1] for other in predictions]
    statistics: dict[str, Statistic] = {name: partial(_mean, metric, rows) for name, metric in metrics.items()}
    intervals = bootstrap(statistics, groups=rows[0].groups, rng=rng, n_resamples=n_resamples, level=level)
    return {name: interval.metric() for name, interval in intervals.items()}


def _mean(metric: MetricFunction, predictions: Sequence[Predictions], weights: Weights) -> Values:
    return np.asarray(np.mean([metric(one, weights=weights) for one in predictions], axis=0))


def _difference(
    metric: MetricFunction, first: Sequence[Predictions], second: Sequence[Predictions], weights: Weights
) -> Values:
    return np.asarray(_mean(metric, first, weights) - _mean(metric, second, weights))


def _same_rows(first: Predictions, second: Predictions) -> tuple[Predictions, Predictions]:
    """Return the labeled rows of both.

    Raises:
        InputError: ids, classes or truth differ.
    """
    if first.ids != second.ids or first.classes != second.classes or not np.array_equal(first.truth, second.truth):
        raise InputError("a paired comparison needs predictions with the same ids, classes and truth in one order")
    return first.labeled(), second.labeled()
