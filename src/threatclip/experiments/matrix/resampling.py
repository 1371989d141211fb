"""One bootstrap for all figures of a matrix: many models are asked of the same rows, so groups are drawn once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from threatclip.evaluation.intervals import LEVEL, Metric, resample_weights
from threatclip.evaluation.weighting import ratio
from threatclip.experiments.poisoning.row_scores import RowScores
from threatclip.seeds import rng

N_RESAMPLES = 2_000
"""Fewer than of a single judgment: a matrix has thousands of figures."""

Means = Float[np.ndarray, "*r m"]


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """Means over rows with percentile intervals over their groups; equal rows meet equal draws, so figures pair.

    Attributes:
        n_resamples: draws.
    """

    n_resamples: int = N_RESAMPLES
    _drawn: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict, repr=False)

    def means(self, scores: RowScores) -> dict[str, Metric]:
        """Return the mean of each score; as `retrieval.mean_over_groups`."""
        if not scores:
            return {}
        names = list(scores)
        value, low, high = self._figures([scores[name] for name in names], lambda means: means)
        return {
            name: Metric(
                value=float(value[place]), low=float(low[place]), high=float(high[place]), n=len(scores[name][0])
            )
            for place, name in enumerate(names)
        }

    def figure(
        self, columns: Sequence[tuple[np.ndarray, np.ndarray]], statistic: Callable[[Means], np.ndarray]
    ) -> Metric:
        """Return one figure that is made of the means of several columns (values and groups of rows)."""
        value, low, high = self._figures(columns, lambda means: statistic(means)[..., None])
        return Metric(value=float(value[0]), low=float(low[0]), high=float(high[0]), n=len(columns[0][0]))

    def _figures(
        self, columns: Sequence[tuple[np.ndarray, np.ndarray]], statistic: Callable[[Means], np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        groups = tuple(sorted({str(group) for _, owners in columns for group in owners.tolist()}))
        number = {group: place for place, group in enumerate(groups)}
        totals, counts = (np.zeros((len(groups), len(columns))) for _ in range(2))
        for place, (values, owners) in enumerate(columns):
            index = np.array([number[str(group)] for group in owners.tolist()])
            totals[:, place] = np.bincount(index, weights=values, minlength=len(groups))
            counts[:, place] = np.bincount(index, minlength=len(groups))
        weights = self._weights(groups)
        drawn = statistic(ratio(weights @ totals, weights @ counts, empty=np.nan))
        tail = (1 - LEVEL) / 2
        low, high = np.nanquantile(drawn, [tail, 1 - tail], axis=0)
        whole = statistic(ratio(totals.sum(axis=0), counts.sum(axis=0), empty=np.nan))
        return whole, low, high

    def _weights(self, groups: tuple[str, ...]) -> np.ndarray:
        if groups not in self._drawn:
            source = rng(0, "matrix/document")
            chunks = resample_weights(np.array(groups, dtype=object), rng=source, n_resamples=self.n_resamples)
            self._drawn[groups] = np.concatenate(list(chunks))
        return self._drawn[groups]
