"""Scores of all groups on one scale.

A group of whom much is told, or nothing but software, matches any sentence more, or less, than others do. Z-norm of
speaker verification [Auckenthaler 2000, section 3.1] takes that out: a group's score is held against its scores on
sentences of other groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from threatclip.experiments.attribution.incidents import standardized

_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scale:
    """Mean and deviation of each group's standardized scores on sentences of other groups."""

    center: Float[np.ndarray, " c"]
    spread: Float[np.ndarray, " c"]

    def __call__(self, scores: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """Return the scores on one scale; a row in which all groups are alike becomes zeros, it speaks for nobody."""
        found = (standardized(scores) - self.center) / self.spread
        return np.asarray(found * (np.ptp(scores, axis=1) > 0)[:, None])


def fit_scale(scores: Float[np.ndarray, "n c"], others: Bool[np.ndarray, "n c"]) -> Scale:
    """Return the scale of a member; `others` says where a sentence tells of another group than the column's."""
    known = standardized(scores)
    count = np.maximum(others.sum(axis=0), 1)
    center = (known * others).sum(axis=0) / count
    spread = np.sqrt((((known - center) * others) ** 2).sum(axis=0) / count)
    return Scale(center=center, spread=np.maximum(spread, _LEAST_SPREAD))
