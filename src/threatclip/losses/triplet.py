"""Batch-hard triplet loss on cosine distance."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from threatclip.losses.reduction import mean_over


def batch_hard_triplet(
    vectors: Float[Tensor, "n d"], labels: Int[Tensor, " n"], *, margin: float = 0.2, soft: bool = False
) -> Float[Tensor, ""]:
    """Pull each row's farthest same-label row nearer than its nearest other-label row, by `margin`.

    loss_i = max(0, max_{p in P(i)} D(i, p) - min_{q in N(i)} D(i, q) + margin),  D(i, j) = 1 - <z_i, z_j>,
    averaged over the rows that have both another row of their label (P) and a row of another label (N).

    Args:
        vectors: unit rows.
        labels: class of each row.
        margin: in cosine distance, [0, 2].
        soft: softplus(farthest - nearest) in place of the hinge; the margin is then not used.

    Returns:
        Mean over the rows that count, in cosine distance; zero when there is none.

    Source: triplet objective of FaceNet [Schroff 2015, eq. 3] as stage 1 of [arXiv 2603.20181, L1]; hardest positive
    and negative in the batch, and the softplus, of [Hermans 2017, eq. 5].
    """
    distance = 1.0 - vectors @ vectors.T
    same = labels[:, None] == labels[None, :]
    positive = same.clone().fill_diagonal_(False)
    counted = positive.any(dim=1) & ~same.all(dim=1)
    farthest = distance.masked_fill(~positive, -float("inf")).amax(dim=1)
    nearest = distance.masked_fill(same, float("inf")).amin(dim=1)
    # Filled before the subtraction: inf - inf would put NaN into the gradient of rows that do not count.
    gap = farthest.masked_fill(~counted, 0.0) - nearest.masked_fill(~counted, 0.0)
    return mean_over(functional.softplus(gap) if soft else functional.relu(gap + margin), counted)
