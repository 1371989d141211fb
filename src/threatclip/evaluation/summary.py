"""Everything one set of predictions has to say: headline metrics, a row per class, the confusion table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np

from threatclip.evaluation.confidence import ReliabilityBin, coverage_at_precision, ece, reliability
from threatclip.evaluation.intervals import LEVEL, N_RESAMPLES, Interval, Metric, Statistic, bootstrap
from threatclip.evaluation.metrics import accuracy, brier, macro_f1, mrr, nll, top_k, weighted_f1
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.ranking import pr_auc_macro, pr_auc_micro, roc_auc_macro
from threatclip.evaluation.tables import PER_CLASS_COLUMNS, confusion, confusion_rates, per_class, support
from threatclip.evaluation.weighting import Values, Weights


@runtime_checkable
class MetricFunction(Protocol):
    """A metric of predictions that takes row weights; every function of `metrics`, `confidence`, `ranking` is one."""

    def __call__(self, predictions: Predictions, /, *, weights: Weights | None = None) -> Values: ...


HEADLINE: Mapping[str, MetricFunction] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "weighted_f1": weighted_f1,
    "top_3": partial(top_k, k=3),
    "top_5": partial(top_k, k=5),
    "mrr": mrr,
    "ece": ece,
    "brier": brier,
    "nll": nll,
    "coverage_at_precision_90": partial(coverage_at_precision, precision=0.9),
}
"""The metrics of every evaluation, by the name under which they are published."""

AREAS: Mapping[str, MetricFunction] = {
    "roc_auc_macro": roc_auc_macro,
    "pr_auc_macro": pr_auc_macro,
    "pr_auc_micro": pr_auc_micro,
}
"""Areas under curves: their intervals sort every class for every resample, so they are asked for by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """Precision, recall and F1 of one class; `support` is its number of true rows."""

    name: str
    support: int
    precision: Metric
    recall: Metric
    f1: Metric


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Summary:
    """What `summarize` found: `n` labeled rows, metrics, a row per class, the confusion table and its shares."""

    n: int
    n_groups: int
    classes: tuple[str, ...]
    metrics: Mapping[str, Metric]
    per_class: tuple[ClassRow, ...]
    confusion: np.ndarray
    confusion_rates: Interval
    reliability: tuple[ReliabilityBin, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "n": self.n,
            "n_groups": self.n_groups,
            "classes": list(self.classes),
            "metrics": {name: metric.as_dict() for name, metric in self.metrics.items()},
            "per_class": {
                row.name: {
                    "support": row.support,
                    **{column: getattr(row, column).as_dict() for column in PER_CLASS_COLUMNS},
                }
                for row in self.per_class
            },
            "confusion": self.confusion.astype(int).tolist(),
            "confusion_rates": {
                end: np.round(getattr(self.confusion_rates, end), 6).tolist() for end in ("value", "low", "high")
            },
            "reliability": [
                {"low": bar.low, "high": bar.high, "n": bar.n, "accuracy": bar.accuracy, "confidence": bar.confidence}
                for bar in self.reliability
            ],
        }


def measure(
    predictions: Predictions,
    metrics: Mapping[str, MetricFunction] = HEADLINE,
    *,
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> dict[str, Metric]:
    """Return each metric of the labeled rows with its interval over groups.

    Raises:
        InputError: no row has a label.
    """
    rows = predictions.labeled()
    statistics = {name: _over_weights(metric, rows) for name, metric in metrics.items()}
    intervals = bootstrap(statistics, groups=rows.groups, rng=rng, n_resamples=n_resamples, level=level)
    return {name: interval.metric() for name, interval in intervals.items()}


def summarize(
    predictions: Predictions,
    metrics: Mapping[str, MetricFunction] = HEADLINE,
    *,
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> Summary:
    """Return metrics, per-class table and confusion of the labeled rows, all over the same resamples of groups.

    Raises:
        InputError: no row has a label.
    """
    rows = predictions.labeled()
    statistics = {f"metric/{name}": _over_weights(metric, rows) for name, metric in metrics.items()}
    statistics["per_class"] = _over_weights(per_class, rows)
    statistics["confusion"] = _over_weights(confusion_rates, rows)
    intervals = bootstrap(statistics, groups=rows.groups, rng=rng, n_resamples=n_resamples, level=level)
    counts = support(rows)
    return Summary(
        n=len(rows),
        n_groups=len(set(rows.groups.tolist())),
        classes=rows.classes,
        metrics={name: intervals[f"metric/{name}"].metric() for name in metrics},
        per_class=tuple(
            ClassRow(
                name=name,
                support=int(counts[k]),
                precision=intervals["per_class"].metric(k, 0),
                recall=intervals["per_class"].metric(k, 1),
                f1=intervals["per_class"].metric(k, 2),
            )
            for k, name in enumerate(rows.classes)
        ),
        confusion=confusion(rows),
        confusion_rates=intervals["confusion"],
        reliability=tuple(reliability(rows)),
    )


def _over_weights(metric: MetricFunction, predictions: Predictions) -> Statistic:
    def statistic(weights: Weights) -> Values:
        return metric(predictions, weights=weights)

    return statistic
