"""The frontier of a defense over its learning rates: what remains of an attack for each loss of clean accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from threatclip.evaluation.intervals import Metric
from threatclip.experiments.matrix.resampling import Resampling
from threatclip.experiments.matrix.spots import Spot

BUDGET = 0.1
"""Loss of clean accuracy up to which a frontier is measured: ten points."""
_STEPS = 100
_KEPT = "clean_accuracy_1"


def pareto(spots: Sequence[Spot]) -> list[bool]:
    """Tell of each spot whether no other one has at least its clean accuracy and at most its success, one better."""
    points = [(spot.metrics[_KEPT].value, -spot.metrics[spot.reach].value) for spot in spots]
    return [not any(other != own and other[0] >= own[0] and other[1] >= own[1] for other in points) for own in points]


def remaining(bare: Spot, tried: Sequence[Spot], resampling: Resampling) -> Metric | None:
    """Return the mean success that is left over losses of clean accuracy from 0 to `BUDGET`, with its interval.

    For each loss b the least success among the learning rates that lose at most b, and among the model without
    defense: the area under the frontier, as a mean over b. The lower the better; the model without defense has its
    own success. It asks what the best learning rate would reach, known from test rows: a property of the method, not
    what a defender gets.

    Args:
        bare: the attacked model as it is.
        tried: the defense at its learning rates, on the same seeds.
        resampling: of groups of rows; all figures are drawn together.

    Returns:
        None where no learning rate was tried on the seeds of `bare`.
    """
    own = [bare, *(spot for spot in tried if spot.seeds == bare.seeds and bare.reach in spot.scores)]
    if len(own) == 1:
        return None
    columns = [spot.scores[name] for spot in own for name in (_KEPT, bare.reach)]
    return resampling.figure(columns, lambda means: area_of(means[..., 0::2], means[..., 1::2]))


def area_of(accuracy: Float[np.ndarray, "*r k"], success: Float[np.ndarray, "*r k"]) -> Float[np.ndarray, "*r"]:
    """Return the mean over losses from 0 to `BUDGET` of the least success at most so much accuracy below the first's.

    Args:
        accuracy: of the model without defense, then of each learning rate.
        success: of the attack, likewise.
    """
    losses = accuracy[..., :1] - accuracy
    order = np.linspace(0.0, BUDGET, _STEPS + 1)
    total = np.zeros(accuracy.shape[:-1])
    for budget in order:
        total += np.where(losses <= budget + 1e-12, success, np.inf).min(axis=-1)
    return total / len(order)
