"""How far a model has moved away from a frozen one, up to where it need not move on."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from threatclip.losses.alignment import squared_distance


def capped_drift(
    vectors: Float[Tensor, "n d"], frozen: Float[Tensor, "n d"], *, tau: float = 2.15
) -> Float[Tensor, ""]:
    """1[D <= tau] D, with D the mean over rows of ||z_i - f_i||^2 in [0, 4]; a loss takes it off, to push away.

    Beyond tau it is zero with a zero gradient: the push stops at once and the other terms pull alone.

    Args:
        vectors: unit rows of the model that is repaired.
        frozen: unit rows of the model that it was, of the same inputs, without a gradient.
        tau: in squared Euclidean distance; 2 is the distance of unrelated vectors.

    Source: PAR [Singh 2026, the perturbation term]; tau = 2.15 there.
    """
    distance = squared_distance(vectors, frozen)
    return distance * (distance.detach() <= tau)
