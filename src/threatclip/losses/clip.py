"""Symmetric InfoNCE between views and captions, with one or many positives a row."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from threatclip.losses.reduction import mean_over


def symmetric_infonce(
    views: Float[Tensor, "n d"],
    captions: Float[Tensor, "n d"],
    *,
    temperature: float | Tensor = 0.07,
    positives: Bool[Tensor, "n n"] | None = None,
) -> Float[Tensor, ""]:
    """Each view finds its caption among the batch's captions, and each caption its view.

    loss = (L(views -> captions) + L(captions -> views)) / 2, where one direction is the mean over rows of
    -1/|P(i)| sum_{p in P(i)} log softmax_p(<v_i, c_.>/T).

    Args:
        views: unit rows.
        captions: unit rows; row i belongs to view i.
        temperature: T, divides cosines; a tensor when it is learned.
        positives: positives[i, j] tells that caption j answers view i; each row spreads its target evenly over
            its positives. Default: the diagonal. A row (or column) without any is left out of its direction's mean.

    Returns:
        Nats; at an untrained start about log n.

    Source: [Radford 2021, figure 3]; ConVIRT [Zhang 2020, eq. 2-4]; even targets over many positives as in L_out of
    [Khosla 2020, eq. 2].
    """
    logits = views @ captions.T / temperature
    if positives is None:
        positives = torch.eye(len(views), dtype=torch.bool, device=views.device)
    return (one_direction(logits, positives) + one_direction(logits.T, positives.T)) / 2


def one_direction(logits: Float[Tensor, "n n"], positives: Bool[Tensor, "n n"]) -> Float[Tensor, ""]:
    """Mean over rows with a positive of -1/|P(i)| sum_{p in P(i)} log softmax_p(logits_i), in nats."""
    total = logits.log_softmax(dim=1).masked_fill(~positives, 0.0).sum(dim=1)
    return mean_over(-total / positives.sum(dim=1).clamp(min=1), positives.any(dim=1))
