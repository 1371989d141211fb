"""How well scores tell planted rows from clean ones: areas, what is found at the top, what a threshold does.

Every figure is the mean of one number a row, so that its interval, and that of a difference between two filters on the
same rows, comes from `retrieval.mean_over_groups`, which draws whole groups. An interval tells how the figure would
vary over other planted rows (of `fpr`: other clean ones) against the same background.

A higher score is the more suspect. Equal scores share what they would get in a random order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Shaped

from threatclip.errors import InputError
from threatclip.evaluation.intervals import N_RESAMPLES, Metric
from threatclip.evaluation.retrieval import QueryScores, mean_over_groups

SHARES = (0.01, 0.1)


def detection_scores(
    scores: Float[np.ndarray, " n"],
    planted: Bool[np.ndarray, " n"],
    *,
    groups: Shaped[np.ndarray, " n"] | None = None,
    shares: Sequence[float] = SHARES,
    threshold: float | None = None,
) -> QueryScores:
    """Return every figure as numbers of rows with the groups of those rows.

    They are `auroc`, `auprc`, `precision_at_n` (n = the planted rows) and `recall_top_<percent>` over planted rows;
    with a threshold also `tpr` over planted and `fpr` over clean rows.

    Args:
        scores: the higher the more suspect.
        planted: which rows are.
        groups: rows of one group are drawn together; None: each row stands alone.
        shares: of rows that are taken off the top.
        threshold: rows that score this much or more are suspect.

    Raises:
        InputError: scores that are not finite, shapes that disagree, or not both kinds of rows.
    """
    check_detection(scores, planted)
    owners = np.array([str(row) for row in range(len(scores))], dtype=object) if groups is None else groups
    if len(owners) != len(scores):
        raise InputError(f"{len(owners)} groups for {len(scores)} scores")
    values = {
        "auroc": share_below(scores, planted),
        "auprc": precision_at_rows(scores, planted),
        "precision_at_n": taken(scores, int(planted.sum()))[planted],
    }
    for share in shares:
        values[f"recall_top_{share * 100:g}"] = taken(scores, round(share * len(scores)))[planted]
    found = {name: (numbers, owners[planted]) for name, numbers in values.items()}
    if threshold is not None:
        suspect = (scores >= threshold).astype(np.float64)
        found |= {"tpr": (suspect[planted], owners[planted]), "fpr": (suspect[~planted], owners[~planted])}
    return found


def detection_metrics(
    scores: Float[np.ndarray, " n"],
    planted: Bool[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    groups: Shaped[np.ndarray, " n"] | None = None,
    shares: Sequence[float] = SHARES,
    threshold: float | None = None,
    n_resamples: int = N_RESAMPLES,
) -> dict[str, Metric]:
    """Return every figure of `detection_scores` with its interval.

    Raises:
        InputError: as `detection_scores`.
    """
    found = detection_scores(scores, planted, groups=groups, shares=shares, threshold=threshold)
    return mean_over_groups(found, rng=rng, n_resamples=n_resamples)


def auroc(scores: Float[np.ndarray, " n"], planted: Bool[np.ndarray, " n"]) -> float:
    """Return P(a planted row scores more than a clean one), ties one half.

    Raises:
        InputError: as `detection_scores`.
    """
    check_detection(scores, planted)
    return float(share_below(scores, planted).mean())


def auprc(scores: Float[np.ndarray, " n"], planted: Bool[np.ndarray, " n"]) -> float:
    """Return the average precision: the mean over planted rows of the precision at their score, as scikit-learn's.

    Raises:
        InputError: as `detection_scores`.
    """
    check_detection(scores, planted)
    return float(precision_at_rows(scores, planted).mean())


def precision_at_n(scores: Float[np.ndarray, " n"], planted: Bool[np.ndarray, " n"]) -> float:
    """Return the share of planted rows among as many top rows as there are planted ones; recall there is the same.

    Raises:
        InputError: as `detection_scores`.
    """
    check_detection(scores, planted)
    return float(taken(scores, int(planted.sum()))[planted].mean())


def share_below(scores: Float[np.ndarray, " n"], planted: Bool[np.ndarray, " n"]) -> Float[np.ndarray, " p"]:
    """Return the share of clean rows that score less than each planted row, ties by half; their mean is the AUROC."""
    clean = np.sort(scores[~planted])
    less, upto = (np.searchsorted(clean, scores[planted], side=side) for side in ("left", "right"))
    return np.asarray((less + upto) / (2 * len(clean)))


def precision_at_rows(scores: Float[np.ndarray, " n"], planted: Bool[np.ndarray, " n"]) -> Float[np.ndarray, " p"]:
    """Return the precision among all rows that score as much as each planted row; their mean is the AUPRC."""
    own = scores[planted]
    right, all_above = (len(among) - np.searchsorted(np.sort(among), own, side="left") for among in (own, scores))
    return np.asarray(right / all_above)


def taken(scores: Float[np.ndarray, " n"], count: int) -> Float[np.ndarray, " n"]:
    """Return with which probability each row is among the `count` highest, in [0, 1]; only ties are in between.

    Raises:
        InputError: `count` outside [0, n].
    """
    if not 0 <= count <= len(scores):
        raise InputError(f"the top {count} of {len(scores)} rows cannot be taken")
    ascending = np.sort(scores)
    above, tied_or_above = (len(scores) - np.searchsorted(ascending, scores, side=side) for side in ("right", "left"))
    return np.asarray(np.clip((count - above) / (tied_or_above - above), 0, 1))


def check_detection(scores: Float[np.ndarray, " n"], planted: Bool[np.ndarray, " n"]) -> None:
    """Refuse what no figure of detection can be taken of.

    Raises:
        InputError: shapes that disagree, scores that are not finite, or not both kinds of rows.
    """
    if scores.ndim != 1 or scores.shape != planted.shape or planted.dtype != np.bool_:
        raise InputError(f"scores {scores.shape} and planted {planted.shape} ({planted.dtype}) are not about n rows")
    if not np.isfinite(scores).all():
        raise InputError("some scores are not finite: the filter or the model behind it is broken")
    if planted.all() or not planted.any():
        raise InputError(f"{int(planted.sum())} of {len(planted)} rows are planted; detection needs both kinds")
