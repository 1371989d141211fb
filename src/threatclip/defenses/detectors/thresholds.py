"""Thresholds that keep a stated false-positive rate on clean views: split conformal prediction.

Trusted views that a detector did not learn from are scored as the views in question are. Where both are clean and
exchangeable, the rank of a new score among them is uniform, whatever the detector, the model and the scores'
distribution [Vovk 2005, section 2.2; Bates 2023, section 2.2].
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from threatclip.errors import InputError

_ROUNDING = 1e-9  # 0.29 x 100 is 28.999999999999996


def conformal_threshold(trusted: Float[np.ndarray, " t"], *, fpr: float) -> float:
    """Return what a score must exceed to be flagged, so that a clean view is flagged with probability `fpr` at most.

    The floor(fpr (t + 1))-th largest of the trusted scores.

    Args:
        trusted: scores of trusted views, of which the detector knows nothing else.
        fpr: rate that is kept, over views and draws of trusted views alike. For one set of trusted views the rate
            is Beta-distributed about it, with a standard deviation of about sqrt(fpr / t).

    Raises:
        InputError: the rate is not above 0 and below 1, too few trusted scores for it, or one that is not finite.
    """
    return float(np.sort(_checked(trusted, fpr))[-_allowed(len(trusted), fpr)])


def conformal_p_values(trusted: Float[np.ndarray, " t"], scores: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return (1 + number of trusted scores at or above it) / (t + 1) of each score.

    A clean view's p-value is at most u with probability u at most; `score > conformal_threshold(trusted, fpr=u)` just
    where it is.

    Raises:
        InputError: no trusted scores.
    """
    if not len(trusted):
        raise InputError("no trusted scores to compare with; give trusted views")
    at_or_above = len(trusted) - np.searchsorted(np.sort(trusted), scores, side="left")
    return np.asarray((1.0 + at_or_above) / (len(trusted) + 1.0))


def least_trusted(fpr: float) -> int:
    """Return how many trusted scores a rate needs: the smallest t with fpr (t + 1) >= 1.

    Raises:
        InputError: the rate is not above 0 and below 1.
    """
    if not 0 < fpr < 1:
        raise InputError(f"a false-positive rate of {fpr}; choose above 0 and below 1, as 0.01")
    return max(1, math.ceil(1 / fpr - 1 - _ROUNDING / fpr))


def _allowed(n_trusted: int, fpr: float) -> int:
    return math.floor(fpr * (n_trusted + 1) + _ROUNDING)


def _checked(trusted: Float[np.ndarray, " t"], fpr: float) -> Float[np.ndarray, " t"]:
    least = least_trusted(fpr)
    if len(trusted) < least or _allowed(len(trusted), fpr) < 1:
        raise InputError(
            f"{len(trusted)} trusted scores keep no false-positive rate of {fpr:g}; "
            f"give at least {least}, or raise the rate"
        )
    if not np.isfinite(trusted).all():
        raise InputError("a trusted score is not finite; a threshold needs figures")
    return trusted
