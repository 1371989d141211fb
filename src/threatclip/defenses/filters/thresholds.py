"""From scores to suspects: a threshold by the scores alone, by trusted pairs, or by a few that someone has labeled."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from threatclip.errors import InputError

MADS = 3.5  # deviations beyond which a score stands out [Iglewicz 1993]
_TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution, as its standard deviation


def threshold(
    scores: Float[np.ndarray, " n"],
    trusted_scores: Float[np.ndarray, " t"] | None = None,
    *,
    fpr: float = 0.01,
    mads: float = MADS,
) -> float:
    """Return from which score on a pair is suspect: by trusted pairs where there are enough, else by the scores alone.

    Trusted pairs keep a promise: a clean pair like them is suspect with probability `fpr` at most. Scores alone promise
    nothing: what lies `mads` robust deviations above the median stands out, if few pairs are planted.

    Args:
        scores: of the pairs that are judged.
        trusted_scores: of pairs known to be clean, by the same filter with the same settings.
        fpr: share of clean pairs that may be suspect.
        mads: robust deviations above the median, where nothing is trusted.

    Raises:
        InputError: as `trusted_threshold` and `robust_threshold`.
    """
    if trusted_scores is None or not len(trusted_scores):
        return robust_threshold(scores, mads=mads)
    return trusted_threshold(trusted_scores, fpr=fpr)


def trusted_threshold(scores: Float[np.ndarray, " t"], *, fpr: float) -> float:
    """Return the conformal quantile of trusted scores: a clean pair scores above it with probability `fpr` at most.

    It is the ceil((1 - fpr)(t + 1))-th smallest [Vovk 2005], or just above it: only a score beyond it is suspect.

    Raises:
        InputError: `fpr` outside (0, 1), scores that are not finite, or too few: fewer than 1 / fpr - 1.
    """
    _check(scores, "trusted ")
    if not 0 < fpr < 1:
        raise InputError(f"fpr = {fpr}; a share of clean pairs lies between 0 and 1")
    place = math.ceil((1 - fpr) * (len(scores) + 1) - 1e-9)
    if place > len(scores):
        raise InputError(
            f"{len(scores)} trusted pairs cannot hold a false-positive rate of {fpr}; "
            f"give at least {math.ceil(1 / fpr) - 1}, or allow a larger rate"
        )
    return float(np.nextafter(np.partition(scores, place - 1)[place - 1], np.inf))


def robust_threshold(scores: Float[np.ndarray, " n"], *, mads: float = MADS) -> float:
    """Return the median + `mads` robust standard deviations (1.4826 x the median absolute deviation) of the scores.

    Where more than half of the scores are equal, just above the largest of those: then anything higher stands out.

    Raises:
        InputError: no scores, scores that are not finite, or `mads` not above 0.
    """
    _check(scores, "")
    if not mads > 0:
        raise InputError(f"mads = {mads}; it must be above 0")
    median = float(np.median(scores))
    spread = _TO_SIGMA * float(np.median(np.abs(scores - median)))
    return float(np.nextafter(median + mads * spread, np.inf))


def _check(scores: Float[np.ndarray, " n"], what: str) -> None:
    if not len(scores) or not np.isfinite(scores).all():
        raise InputError(f"{len(scores)} {what}scores, not all of them finite; score some pairs first")
