"""Squared distance between a view and its caption."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def squared_distance(views: Float[Tensor, "n d"], captions: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Mean over rows of ||v_i - c_i||^2, which for unit rows is 2 - 2 cos(v_i, c_i), in [0, 4].

    No negatives: only a fixed or slowly moving caption side keeps it from collapsing.

    Source: stage 2 of [arXiv 2603.20181, L2].
    """
    return (views - captions).square().sum(dim=1).sum() / max(len(views), 1)
