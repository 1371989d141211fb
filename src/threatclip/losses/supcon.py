"""Supervised contrastive loss."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from threatclip.losses.reduction import mean_over


def supervised_contrastive(
    vectors: Float[Tensor, "n d"], labels: Int[Tensor, " n"], *, temperature: float | Tensor = 0.07
) -> Float[Tensor, ""]:
    """Every same-label row is a positive of every other; all other rows are the crowd.

    loss_i = -1/|P(i)| sum_{p in P(i)} log( exp(<z_i, z_p>/T) / sum_{a != i} exp(<z_i, z_a>/T) ),
    averaged over the rows with at least one positive.

    Args:
        vectors: unit rows; with two views of each text, concatenate them and repeat the labels.
        labels: class of each row.
        temperature: T, divides cosines.

    Returns:
        Mean over the rows that count, in nats; zero when there is none.

    Source: L_out of [Khosla 2020, eq. 2].
    """
    cosine = vectors @ vectors.T / temperature
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    positive = (labels[:, None] == labels[None, :]) & ~itself
    log_probability = cosine - cosine.masked_fill(itself, -float("inf")).logsumexp(dim=1, keepdim=True)
    total = log_probability.masked_fill(~positive, 0.0).sum(dim=1)
    return mean_over(-total / positive.sum(dim=1).clamp(min=1), positive.any(dim=1))
