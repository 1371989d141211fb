"""Rows to judge a model on, and the figures that every judgment starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from threatclip.evaluation.intervals import Metric
from threatclip.evaluation.metrics import accuracy, macro_f1, weighted_f1
from threatclip.evaluation.predictions import Predictions, predictions_of
from threatclip.evaluation.summary import MetricFunction, measure
from threatclip.pairs.pair import Pair
from threatclip.pairs.probes import PROBES, STRESS_PROBES
from threatclip.seeds import rng

SHORT: Mapping[str, MetricFunction] = {"accuracy": accuracy, "macro_f1": macro_f1, "weighted_f1": weighted_f1}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """Rows to judge on, and the seed of the bootstrap."""

    pairs: tuple[Pair, ...]
    classes: tuple[str, ...]
    seed: int

    @property
    def views(self) -> list[bytes]:
        """The payloads, in order."""
        return [pair.view for pair in self.pairs]

    @property
    def labels(self) -> list[str | None]:
        """The class of each row; None where it has none of the catalogue."""
        return [pair.label if pair.label in self.classes else None for pair in self.pairs]

    @property
    def labeled(self) -> bool:
        """Whether any row can be judged against a label."""
        return any(label is not None for label in self.labels)

    def as_plain(self) -> dict[str, Any]:
        """Return what is needed to judge stored probabilities again: no payload, no text."""
        return {
            "ids": [pair.id for pair in self.pairs],
            "labels": self.labels,
            "groups": [pair.group for pair in self.pairs],
            "classes": list(self.classes),
        }

    def predictions(self, probabilities: np.ndarray) -> Predictions:
        """Return the judge's view of probabilities [n, c]; a label outside the catalogue counts as none."""
        return predictions_of(
            labels=self.labels,
            probabilities=probabilities,
            classes=self.classes,
            ids=[pair.id for pair in self.pairs],
            groups=[pair.group for pair in self.pairs],
        )

    def measure(self, probabilities: np.ndarray, metrics: Mapping[str, MetricFunction] = SHORT) -> dict[str, Any]:
        """Return metrics with intervals as plain values."""
        return plain_metrics(measure(self.predictions(probabilities), metrics, rng=self.draw()))

    def draw(self) -> np.random.Generator:
        """Return the bootstrap's generator, the same for every model: comparisons are paired."""
        return rng(self.seed, "bootstrap")


def plain_metrics(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """Return metrics as plain JSON values."""
    return {name: metric.as_dict() for name, metric in metrics.items()}


def under_probes(views: Sequence[bytes]) -> dict[str, list[bytes]]:
    """Return the views under every probe, those of the shortcut score first."""
    return {name: [probe(view) for view in views] for name, probe in {**PROBES, **STRESS_PROBES}.items()}
