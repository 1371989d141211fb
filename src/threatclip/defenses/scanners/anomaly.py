"""Which of a few figures is an outlier: deviations from the median in units of the median deviation."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_CONSISTENT = 1.4826  # makes the median absolute deviation of a normal sample estimate its standard deviation


def smallness(sizes: Float[np.ndarray, " c"], *, least_spread: float) -> Float[np.ndarray, " c"]:
    """Return how far each figure lies below the median: (median - size) / (1.4826 MAD) [Wang 2019, section V-B].

    Positive below the median, negative above it. The paper takes 2 for an outlier; the deviation of few figures that
    happen to lie close together is small, and the index of any other then large.

    Args:
        sizes: one figure a class.
        least_spread: above 0; a smaller spread is taken for this one.
    """
    median = float(np.median(sizes))
    spread = _CONSISTENT * float(np.median(np.abs(sizes - median)))
    return np.asarray((median - sizes) / max(spread, least_spread))
