"""Contrast between sentences and texts of their classes, where some classes are kin of others."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from threatclip.losses.clip import one_direction
from threatclip.losses.reduction import mean_over


def hierarchical_contrast(
    views: Float[Tensor, "n d"],
    captions: Float[Tensor, "n d"],
    labels: Int[Tensor, " n"],
    families: Int[Tensor, " n"],
    *,
    temperature: float | Tensor = 0.05,
    kin: float = 0.3,
    among: float = 1.0,
) -> Float[Tensor, ""]:
    """Symmetric InfoNCE in which rows of the same family, but of another class, are only part of a negative.

    With w_ij = 1, but `kin` where families are equal and labels differ, and P(i) the rows of label i,

    loss = (L(v, c) + L(c, v)) / 2 + among * L(v, v without the diagonal),
    L(a, b) = mean_i -1/|P(i)| sum_{p in P(i)} log( exp(<a_i, b_p>/T) / sum_j w_ij exp(<a_i, b_j>/T) ).

    Args:
        views: unit rows.
        captions: unit rows; row i tells of the class of view i.
        labels: class of each row.
        families: family of each row; rows of one label are of one family.
        temperature: T, divides cosines.
        kin: weight of a row of the family as a negative, in (0, 1]; 1 knows no families.
        among: weight of the views' contrast with each other; 0 leaves it out.

    Returns:
        Nats. A row whose label stands alone adds nothing to the third term.

    Source: [Radford 2021, figure 3], [Khosla 2020, eq. 2]; weighted negatives as in [Robinson 2021, eq. 4].
    """
    same = labels[:, None] == labels[None, :]
    related = (families[:, None] == families[None, :]) & ~same
    softened = related.to(views.dtype) * math.log(kin)
    logits = views @ captions.T / temperature
    loss = (one_direction(logits + softened, same) + one_direction(logits.T + softened, same)) / 2
    if among == 0:
        return loss
    itself = torch.eye(len(views), dtype=torch.bool, device=views.device)
    crowd = (views @ views.T / temperature + softened).masked_fill(itself, -float("inf"))
    log_probability = crowd - crowd.logsumexp(dim=1, keepdim=True)
    positive = same & ~itself
    total = log_probability.masked_fill(~positive, 0.0).sum(dim=1)
    return loss + among * mean_over(-total / positive.sum(dim=1).clamp(min=1), positive.any(dim=1))
