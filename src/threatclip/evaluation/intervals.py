"""Intervals of any weighted statistic: the percentile bootstrap over groups of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from threatclip.errors import InputError
from threatclip.evaluation.weighting import Values, Weights

N_RESAMPLES = 10_000
LEVEL = 0.95
_CHUNK_WEIGHTS = 2**20  # resamples are drawn this many row weights at a time: 8 MB, however many are asked for

Statistic = Callable[[Weights], Values]
"""From row weights [..., n] to one or more figures, [...] or [..., *tail]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure, its bootstrap interval, and the number of rows it was computed on."""

    value: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, float | int | None]:
        """Return plain JSON values; an undefined figure is None."""
        return {
            "value": _finite(self.value),
            "low": _finite(self.low),
            "high": _finite(self.high),
            "n": self.n,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interval:
    """An array of figures with the ends of their intervals, all of one shape."""

    value: Values
    low: Values
    high: Values
    n: int

    def metric(self, *index: int) -> Metric:
        """Return one of the figures; no index for a statistic of one figure."""
        return Metric(
            value=float(self.value[index]), low=float(self.low[index]), high=float(self.high[index]), n=self.n
        )


def bootstrap(
    statistics: Mapping[str, Statistic],
    *,
    groups: Shaped[np.ndarray, " n"],
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> dict[str, Interval]:
    """Return each statistic with its percentile interval [Efron 1981], resampling whole groups with replacement.

    All statistics see the same resamples, so a statistic of two models is a paired comparison. A resample on which
    a statistic is undefined (NaN) is left out of its interval.

    Args:
        statistics: functions of row weights [..., n] (see `weighting`).
        groups: one value per row; rows of one value are drawn together (a CVE, say).
        rng: the source of the draws.
        n_resamples: number of draws.
        level: coverage of the interval.

    Raises:
        InputError: no rows, no resamples, or a level outside (0, 1).
    """
    n = len(groups)
    if n == 0 or n_resamples < 1 or not 0 < level < 1:
        raise InputError(f"a bootstrap of {n} rows, {n_resamples} resamples at level {level} is not possible")
    drawn: dict[str, list[Values]] = {name: [] for name in statistics}
    for weights in resample_weights(groups, rng=rng, n_resamples=n_resamples):
        for name, statistic in statistics.items():
            drawn[name].append(statistic(weights))
    tail = (1 - level) / 2
    intervals = {}
    for name, statistic in statistics.items():
        low, high = _quantiles(np.concatenate(drawn[name]), tail)
        intervals[name] = Interval(value=np.asarray(statistic(np.ones(n))), low=low, high=high, n=n)
    return intervals


def resample_weights(
    groups: Shaped[np.ndarray, " n"], *, rng: np.random.Generator, n_resamples: int
) -> Iterator[Float[np.ndarray, "r n"]]:
    """Yield chunks of bootstrap resamples as row weights: how often the group of each row was drawn."""
    group_of_row, n_groups = _group_indices(groups)
    chunk = max(1, _CHUNK_WEIGHTS // len(groups))
    for start in range(0, n_resamples, chunk):
        size = min(chunk, n_resamples - start)
        draws = rng.integers(n_groups, size=(size, n_groups))
        flat = (draws + np.arange(size)[:, None] * n_groups).ravel()
        counts = np.bincount(flat, minlength=size * n_groups).reshape(size, n_groups)
        yield counts[:, group_of_row].astype(np.float64)


def _group_indices(groups: Shaped[np.ndarray, " n"]) -> tuple[Int[np.ndarray, " n"], int]:
    """Number the groups in the order in which they occur, whatever their type."""
    numbers: dict[object, int] = {}
    index = np.array([numbers.setdefault(group, len(numbers)) for group in groups.tolist()], dtype=np.int64)
    return index, len(numbers)


def _quantiles(values: Float[np.ndarray, "r ..."], tail: float) -> tuple[Values, Values]:
    """Return both ends of the interval over axis 0, leaving NaN out; NaN where nothing else is left."""
    undefined = np.isnan(values)
    if not undefined.any():
        low, high = np.quantile(values, [tail, 1 - tail], axis=0)
        return np.asarray(low), np.asarray(high)
    columns = values.reshape(len(values), -1).T
    ends = np.full((2, len(columns)), np.nan)
    for i, column in enumerate(columns):
        kept = column[~np.isnan(column)]
        if len(kept):
            ends[:, i] = np.quantile(kept, [tail, 1 - tail])
    low, high = ends.reshape(2, *values.shape[1:])
    return np.asarray(low), np.asarray(high)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
