"""Sub-captions of TA-Cleaner: pictures toward what is true of them in fewer words, away from what is not.

The paper leaves both terms of its sum undefined and has no released code; these are our specification of them.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from threatclip.errors import InputError
from threatclip.losses.reduction import mean_over


def subcaption_i2t(
    views: Float[Tensor, "m d"],
    positives: Float[Tensor, "m d"],
    negatives: Float[Tensor, "m q d"],
    *,
    temperature: float | Tensor = 0.07,
    known: Bool[Tensor, "m q"] | None = None,
) -> Float[Tensor, ""]:
    """Each view finds its sub-caption among those of the other rows and its own counterfactuals.

    L = -1/m sum_i log( e^{<v_i, p_i>/T} / (sum_j e^{<v_i, p_j>/T} + sum_q e^{<v_i, n_iq>/T}) ),  j over the m rows.

    Args:
        views: unit rows of the rows that have sub-captions.
        positives: unit rows; row i is true of view i.
        negatives: unit rows; [i, q] is false of view i. q may be 0.
        temperature: T, divides cosines; a tensor when it is learned.
        known: which negatives there are; others count for nothing. Default: all.

    Returns:
        Nats, 0 without rows.

    Raises:
        InputError: the numbers of rows disagree.

    Source: our specification of TA-Cleaner's image-to-text term [arXiv 2409.17601].
    """
    if len(positives) != len(views) or len(negatives) != len(views):
        raise InputError(
            f"{len(views)} views, {len(positives)} sub-captions and negatives for {len(negatives)}; give each its own"
        )
    others = views @ positives.T / temperature
    false = torch.einsum("md,mqd->mq", views, negatives) / temperature
    if known is not None:
        # after the division: an infinity times no gradient would put NaN into that of the temperature
        false = false.masked_fill(~known, -torch.inf)
    logits = torch.cat([others, false], dim=1)
    right = torch.arange(len(views), device=views.device)
    found = logits.log_softmax(dim=1)[right, right]
    return mean_over(-found, torch.ones_like(found, dtype=torch.bool))


def subcaption_t2i(
    positives: Float[Tensor, "m d"],
    views: Float[Tensor, "n d"],
    own: Int[Tensor, " m"],
    *,
    temperature: float | Tensor = 0.07,
) -> Float[Tensor, ""]:
    """Each sub-caption finds its view among all views of the batch.

    L = -1/m sum_i log( e^{<p_i, v_o(i)>/T} / sum_j e^{<p_i, v_j>/T} ),  j over the n rows of the batch.

    Args:
        positives: unit rows of sub-captions.
        views: unit rows of the whole batch.
        own: o, the row of `views` that each sub-caption is true of.
        temperature: T, divides cosines; a tensor when it is learned.

    Returns:
        Nats, 0 without rows.

    Raises:
        InputError: the numbers of rows disagree.

    Source: our specification of TA-Cleaner's text-to-image term [arXiv 2409.17601].
    """
    if len(own) != len(positives):
        raise InputError(f"{len(positives)} sub-captions and the views of {len(own)}; name one view for each")
    found = (positives @ views.T / temperature).log_softmax(dim=1).gather(1, own[:, None])[:, 0]
    return mean_over(-found, torch.ones_like(found, dtype=torch.bool))
