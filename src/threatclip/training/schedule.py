"""Learning rate as a pure function of the step: there is no scheduler state to save or to lose."""

from __future__ import annotations

import math


def warmup_steps(total: int, *, warmup_fraction: float) -> int:
    """Return the number of warm-up steps: `warmup_fraction` of `total`, rounded up, below `total`."""
    return min(math.ceil(total * warmup_fraction), max(total - 1, 0))


def rate_factor(step: int, total: int, *, warmup_fraction: float) -> float:
    """Return the factor of the peak rate for update `step` (0 to total - 1): linear warm-up, then half a cosine.

    The warm-up of w steps gives 1/w, 2/w, ..., 1; the next step starts the cosine at 1, and it would reach 0 at
    step `total`, so that no update is wasted on a rate of zero [Loshchilov 2017, eq. 5, one period].
    """
    warm = warmup_steps(total, warmup_fraction=warmup_fraction)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(total - warm, 1)))
