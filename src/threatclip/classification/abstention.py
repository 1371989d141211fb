"""Knowing when not to answer: the least confidence at which a stated precision was kept on validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import beta

from threatclip.errors import DamagedArtifactError, InputError

NEVER = 2.0
"""A threshold above every probability: the model abstains always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """Answer where the greatest probability is at least `threshold`.

    Attributes:
        threshold: on the greatest calibrated probability; `NEVER` if the precision was out of reach.
        target: the precision that was asked for.
        level: one-sided confidence with which it holds, None for the plain share of right answers.
        precision: share of right answers above the threshold on validation, 0 if there are none.
        coverage: share of validation rows above the threshold.
        n: number of validation rows.
    """

    threshold: float
    target: float
    level: float | None
    precision: float
    coverage: float
    n: int

    def answers(self, probabilities: Float[np.ndarray, "n c"]) -> Bool[np.ndarray, " n"]:
        """Return which rows are answered."""
        return np.asarray(probabilities.max(axis=1) >= self.threshold)

    def config(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Abstention:
        """Return the rule that `config` wrote.

        Raises:
            DamagedArtifactError: a value is missing or unknown.
        """
        try:
            return cls(**config)
        except TypeError as error:
            raise DamagedArtifactError(f"the abstention rule is not whole ({error}); calibrate anew") from error


def fit_abstention(
    confidence: Float[np.ndarray, " n"],
    correct: Bool[np.ndarray, " n"],
    *,
    target: float = 0.9,
    level: float | None = None,
) -> Abstention:
    """Return the least threshold above which at least `target` of the validation answers were right.

    With `level`, it is not the share itself but its one-sided Clopper-Pearson lower bound at that confidence that
    has to reach the target: fewer answers, and a promise that holds beyond these rows. The best of many thresholds
    is taken, so the bound is somewhat optimistic; rows of equal confidence are answered together.

    Args:
        confidence: greatest probability of each validation row.
        correct: whether its class was the true one.
        target: precision to keep, in (0, 1].
        level: confidence of the lower bound, in (0, 1), or None.

    Raises:
        InputError: no rows, or target or level out of range.
    """
    if not len(confidence) or confidence.shape != correct.shape:
        raise InputError(f"{len(confidence)} confidences and {len(correct)} outcomes fit no abstention threshold")
    if not 0 < target <= 1 or (level is not None and not 0 < level < 1):
        raise InputError(f"a precision lies in (0, 1] and a level in (0, 1), got {target} and {level}")
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    answered = np.arange(1, len(ranked) + 1)
    right = np.cumsum(correct[order])
    kept = right / answered if level is None else lower_bound(right, answered, level=level)
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    reached = np.flatnonzero(last_of_tie & (kept >= target - 1e-12))
    n = len(ranked)
    if not len(reached):
        return Abstention(threshold=NEVER, target=target, level=level, precision=0.0, coverage=0.0, n=n)
    last = int(reached[-1])
    return Abstention(
        threshold=float(ranked[last]),
        target=target,
        level=level,
        precision=float(right[last] / answered[last]),
        coverage=float(answered[last] / n),
        n=n,
    )


def lower_bound(
    right: Int[np.ndarray, " n"], answered: Int[np.ndarray, " n"], *, level: float
) -> Float[np.ndarray, " n"]:
    """Return the one-sided Clopper-Pearson lower bound of right / answered at confidence `level`."""
    bound = beta.ppf(1 - level, np.maximum(right, 1), answered - right + 1)
    return np.asarray(np.where(right > 0, bound, 0.0))
