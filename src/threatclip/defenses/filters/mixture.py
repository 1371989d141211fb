"""Mixture: two kinds of pairs by how well their halves match, as SafeCLIP tells safe from risky data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float
from scipy.special import expit, logsumexp

from threatclip.checks import at_least
from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters.vectors import check_modality, pair_cosines
from threatclip.defenses.filters.wording import beside_usual
from threatclip.errors import InputError
from threatclip.pairs.pair import Modality

_LEAST_PAIRS = 4
_LEAST_DEVIATION = 1e-3  # of a component, in cosines: a point has no density


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Two kinds of pairs, one of which matches less, told apart by a mixture of two normal distributions.

    It is fitted to the cosines of views with their captions. The score is the log-odds (nats) that a pair belongs to
    the kind that matches less: above 0 more likely than not. SafeCLIP trusts a pair with probability 0.9 of the other
    kind, a score up to -2.2. The paper fits after a single careful epoch across the modalities, before a model has
    learned that planted pairs match. A model trained to the end is the wrong encoder here; an independent one is right.

    A pair that matches better than the center of its kind is never held to be worse for it: there the log-odds stay
    level, where those of unequal normal distributions would turn back up.

    Attributes:
        iterations: rounds of expectation-maximization.
    """

    kind: Literal["mixture"] = "mixture"
    iterations: int = 200

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Yang 2024, SafeCLIP (arXiv 2310.05862)"

    def __post_init__(self) -> None:
        at_least(self, 1, "iterations")

    def scores(
        self,
        evidence: Evidence,
        *,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Float[np.ndarray, " n"]:
        """Return the log-odds that each pair matches less; nothing is random.

        Raises:
            InputError: the evidence has no vectors, or fewer than four pairs.
        """
        check_modality(self.kind, self.modalities, evidence)
        return mixture_log_odds(pair_cosines(evidence), iterations=self.iterations)

    def reasons(
        self,
        evidence: Evidence,
        scores: Float[np.ndarray, " n"],
        places: Sequence[int],
    ) -> list[str]:
        """Say how well the halves match, and how probably that makes them a bad match."""
        cosines = pair_cosines(evidence)
        chance = expit(scores)
        sentences = beside_usual(-cosines, places, say=lambda worse: f"view and caption match with cosine {-worse:.3f}")
        return [
            f"{sentence.partition(' (')[0]}, of the kind that matches less with probability {chance[place]:.3g}"
            for sentence, place in zip(sentences, places, strict=True)
        ]


def mixture_log_odds(cosines: Float[np.ndarray, " n"], *, iterations: int) -> Float[np.ndarray, " n"]:
    """Return the log-odds of the component with the lower mean, of a two-component normal mixture fitted to `cosines`.

    Raises:
        InputError: fewer than four pairs.
    """
    if len(cosines) < _LEAST_PAIRS:
        raise InputError(f"two kinds of pairs cannot be told apart in {len(cosines)}; score {_LEAST_PAIRS} at least")
    means = np.quantile(cosines, [0.05, 0.6])
    deviations = np.full(2, max(float(cosines.std()), _LEAST_DEVIATION))
    shares = np.full(2, 0.5)
    previous = -np.inf
    for _ in range(iterations):
        joint = _log_joint(cosines, means, deviations, shares)
        total = logsumexp(joint, axis=1, keepdims=True)
        own = np.exp(joint - total)
        weight = own.sum(axis=0) + 1e-12
        means = own.T @ cosines / weight
        deviations = np.sqrt((own * (cosines[:, None] - means) ** 2).sum(axis=0) / weight + _LEAST_DEVIATION**2)
        shares = weight / weight.sum()
        likelihood = float(total.mean())
        if likelihood - previous < 1e-9:
            break
        previous = likelihood
    low = int(np.argmin(means))
    inside = np.clip(cosines, means[low], means[1 - low])
    joint = _log_joint(inside, means, deviations, shares)
    # beyond a center the odds stay, but the order of the pairs is kept by what is left of the cosine
    return np.asarray(joint[:, low] - joint[:, 1 - low] + (inside - cosines))


def _log_joint(
    values: Float[np.ndarray, " n"],
    means: Float[np.ndarray, " two"],
    deviations: Float[np.ndarray, " two"],
    shares: Float[np.ndarray, " two"],
) -> Float[np.ndarray, "n two"]:
    """Return log p(component) + log p(value | component) without the constant."""
    standard = (values[:, None] - means) / deviations
    return np.asarray(np.log(shares) - np.log(deviations) - 0.5 * standard**2)
