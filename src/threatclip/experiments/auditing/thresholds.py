"""From scores to evidence: how unlikely a score would be among clean pairs, by the tail of the scores themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import rankdata

LEAST_ROWS = 100
"""Below, no tail can be measured."""
LEAST_SPREADS = {"bursts": 0.5}
"""Where most scores are equal, the least distance between the 75th and the 95th percentile: half a doubling."""

_QUANTILES = (0.5, 0.75, 0.95)
_LOGS = tuple(-math.log(1 - share) for share in _QUANTILES)
_SHAPES = np.linspace(0.5, 1.5, 101)  # 0.5: the tail of a normal distribution; 1: exponential; above: heavier
_RATIOS = (_LOGS[2] ** _SHAPES - _LOGS[1] ** _SHAPES) / (_LOGS[1] ** _SHAPES - _LOGS[0] ** _SHAPES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The upper tail of clean scores: Q(p) = start + scale (ln(1/p)^shape - ln(20)^shape), from p = 0.05 down.

    Attributes:
        start: the 95th percentile.
        scale: of the fall; 0 where there is none.
        shape: 0.5 falls as a normal distribution, 1 exponentially.
    """

    start: float
    scale: float
    shape: float

    def quantile(self, p: float) -> float:
        """Return the score that a clean pair reaches with probability `p`, at most 0.05."""
        return self.start + self.scale * (math.pow(-math.log(p), self.shape) - math.pow(_LOGS[2], self.shape))


def fitted_tail(scores: Float[np.ndarray, " n"], *, least_spread: float = 0.0) -> Tail | None:
    """Return the tail that the 50th, 75th and 95th percentiles tell; None of fewer than 100 scores.

    Planted pairs that are rare lie beyond these and hardly move them.

    Args:
        scores: of every pair.
        least_spread: between the 75th and the 95th percentile.
    """
    if len(scores) < LEAST_ROWS:
        return None
    median, middle, start = np.quantile(scores, _QUANTILES).tolist()
    spread = max(start - middle, least_spread)
    ratio = spread / (middle - median) if middle > median else math.inf
    shape = 1.0 if math.isinf(ratio) else float(np.interp(ratio, _RATIOS, _SHAPES))
    return Tail(start=start, scale=spread / (_LOGS[2] ** shape - _LOGS[1] ** shape), shape=shape)


def fitted_threshold(scores: Float[np.ndarray, " n"], tail: Tail | None, *, alarm: float) -> float:
    """Return the score that the highest of as many clean scores would reach with probability `alarm`.

    Infinite without a tail.
    """
    if tail is None:
        return math.inf
    expected = -math.log1p(-alarm)  # rows beyond: their number is 0 with probability 1 - alarm
    return float(np.nextafter(tail.quantile(expected / len(scores)), math.inf))


def evidence_of(scores: Float[np.ndarray, " n"], tail: Tail | None) -> Float[np.ndarray, " n"]:
    """Return -ln p, with p the share of clean pairs that reach a score: by rank below the tail, by its law within.

    Comparable between filters: 0 for the least suspect, 3 at the 95th percentile.
    """
    found = -np.log1p(-(rankdata(scores) - 0.5) / max(len(scores), 1))
    if tail is None or tail.scale <= 0:
        return np.asarray(found)
    beyond = scores > tail.start
    lifted = (scores[beyond] - tail.start) / tail.scale + _LOGS[2] ** tail.shape
    found[beyond] = lifted ** (1 / tail.shape)
    found[~beyond] = np.minimum(found[~beyond], _LOGS[2])
    return np.asarray(found)


def most_suspect(scores: Float[np.ndarray, " n"], *, share: float) -> Bool[np.ndarray, " n"]:
    """Mark the `share` of rows with the highest scores, at least one; ties go to the earlier row."""
    count = max(1, round(share * len(scores)))
    marked = np.zeros(len(scores), bool)
    marked[np.argsort(-scores, kind="stable")[:count]] = True
    return marked
