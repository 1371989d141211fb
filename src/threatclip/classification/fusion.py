"""Fusion of several members' scores: a weighted product of their calibrated distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize

from threatclip.classification.calibration import fit_temperature, labeled_rows, mean_nll
from threatclip.classification.scores import log_softmax
from threatclip.errors import DamagedArtifactError, InputError

_LOG_FLOOR = float(np.log(1e-6))  # no member may veto a class by a probability of zero


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogLinearPool:
    """log p = sum over members of weight * log softmax(scores / temperature), normalized [Heskes 1998].

    `members` names them in the order of the arrays. A member of weight 0 is not heard; the sum of the weights is
    free, so the pool is calibrated as one.
    """

    members: tuple[str, ...]
    weights: Float[np.ndarray, " m"]
    temperatures: Float[np.ndarray, " m"]

    def __post_init__(self) -> None:
        shape = (len(self.members),)
        if not self.members or self.weights.shape != shape or self.temperatures.shape != shape:
            raise InputError(f"a pool of members {self.members} has weights {self.weights.shape}")
        if (self.weights < 0).any() or (self.temperatures <= 0).any():
            raise InputError("a pool has weights of at least 0 and temperatures above 0")

    def scores(self, member_scores: Mapping[str, Float[np.ndarray, "n c"]]) -> Float[np.ndarray, "n c"]:
        """Return the pool's log-probabilities of the members' scores.

        Raises:
            InputError: a member has no scores.
        """
        opinions = _opinions(member_scores, self.members, self.temperatures)
        return log_softmax(np.einsum("m,mnc->nc", self.weights, opinions))

    def probabilities(self, member_scores: Mapping[str, Float[np.ndarray, "n c"]]) -> Float[np.ndarray, "n c"]:
        """Return the pool's probabilities of the members' scores."""
        return np.asarray(np.exp(self.scores(member_scores)))

    def alone(self, member: str) -> LogLinearPool:
        """Return the pool of one member only, at its own temperature: what it says without the others."""
        place = self.members.index(member)
        return LogLinearPool(members=(member,), weights=np.ones(1), temperatures=self.temperatures[place : place + 1])

    def as_arrays(self) -> dict[str, np.ndarray]:
        """Return the pool's arrays."""
        return {"weights": self.weights, "temperatures": self.temperatures}

    def config(self) -> dict[str, Any]:
        """Return the pool's settings as plain JSON values."""
        return {"members": list(self.members)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> LogLinearPool:
        """Return the pool that `as_arrays` and `config` wrote.

        Raises:
            DamagedArtifactError: parts are missing or do not fit.
        """
        try:
            return cls(members=tuple(config["members"]), **arrays)
        except (KeyError, TypeError, InputError) as error:
            raise DamagedArtifactError(f"the fusion is not whole ({error!r}); fit it anew") from error


def fit_pool(
    member_scores: Mapping[str, Float[np.ndarray, "n c"]], truth: Int[np.ndarray, " n"], *, l2: float = 0.1
) -> LogLinearPool:
    """Fit a temperature for each member alone, then the weights of all, on validation rows.

    The weights minimize mean NLL + l2 * sum (weight - 1/m)^2 under weight >= 0, which is convex: one answer, no
    randomness. `l2` draws towards the plain mean, which is hard to beat with few validation rows.

    Args:
        member_scores: scores of each member on rows that no member was fitted on.
        truth: class indices of these rows; rows of -1 are left out.
        l2: strength of the pull, in nats.

    Raises:
        InputError: no members, shapes that disagree, no labeled rows, or a negative `l2`.
    """
    if not member_scores or l2 < 0:
        raise InputError(f"a pool needs members and l2 >= 0, got {list(member_scores)} and {l2}")
    if len({scores.shape for scores in member_scores.values()}) > 1:
        shapes = {name: scores.shape for name, scores in member_scores.items()}
        raise InputError(f"the members' scores differ in shape: {shapes}")
    members = tuple(member_scores)
    kept = {name: labeled_rows(scores, truth)[0] for name, scores in member_scores.items()}
    labels = truth[truth >= 0]
    temperatures = np.array([fit_temperature(kept[name], labels).value for name in members])
    opinions = _opinions(kept, members, temperatures)
    equal = np.full(len(members), 1 / len(members))
    chosen = opinions[:, np.arange(len(labels)), labels]

    def loss(weights: Float[np.ndarray, " m"]) -> tuple[float, Float[np.ndarray, " m"]]:
        log_p = log_softmax(np.einsum("m,mnc->nc", weights, opinions))
        expected = np.einsum("nc,mnc->mn", np.exp(log_p), opinions)
        gradient = (expected - chosen).mean(axis=1) + 2 * l2 * (weights - equal)
        return mean_nll(log_p, labels) + l2 * float(((weights - equal) ** 2).sum()), gradient

    found = minimize(loss, equal, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(members))
    return LogLinearPool(members=members, weights=np.maximum(found.x, 0), temperatures=temperatures)


def _opinions(
    member_scores: Mapping[str, Float[np.ndarray, "n c"]],
    members: Sequence[str],
    temperatures: Float[np.ndarray, " m"],
) -> Float[np.ndarray, "m n c"]:
    missing = [name for name in members if name not in member_scores]
    if missing:
        raise InputError(f"the pool needs the scores of {', '.join(members)}; missing: {', '.join(missing)}")
    return np.stack(
        [
            np.maximum(log_softmax(np.asarray(member_scores[name], dtype=np.float64) / t), _LOG_FLOOR)
            for name, t in zip(members, temperatures, strict=True)
        ]
    )
