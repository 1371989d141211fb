"""Which of a few figures is an outlier: deviations from the median in units of the median deviation."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_CONSISTENT = 1.4826  # makes the median absolute deviation of a normal sample estimate its standard deviation
_LEAST_SPREAD = 0.05  # a spread below it is taken for this, so that nearly equal figures raise no alarm


def smallness(sizes: Float[np.ndarray, " c"]) -> Float[np.ndarray, " c"]:
    """Return how far each figure lies below the median: (median - size) / (1.4826 MAD) [Wang 2019, section V-B].

    Positive below the median, negative above it. 2 is what the paper takes for an outlier: 2.5% of normal figures lie
    that low, so that of ten classes one is found in a clean model one time in five.
    """
    median = float(np.median(sizes))
    spread = _CONSISTENT * float(np.median(np.abs(sizes - median)))
    return np.asarray((median - sizes) / max(spread, _LEAST_SPREAD))
