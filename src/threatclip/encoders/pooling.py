"""From one vector a position to one vector a row, blind to padding."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor


def max_over(hidden: Float[Tensor, "n l w"], valid: Bool[Tensor, "n l"]) -> Float[Tensor, "n w"]:
    """Largest value of each channel over the valid positions; each row has at least one."""
    return hidden.float().masked_fill(~valid[:, :, None], -float("inf")).max(dim=1).values


def mean_over(hidden: Float[Tensor, "n l w"], valid: Bool[Tensor, "n l"]) -> Float[Tensor, "n w"]:
    """Mean of each channel over the valid positions, summed in fp32 so that bf16 does not lose long rows."""
    kept = valid[:, :, None].float()
    return (hidden.float() * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1.0)


def attention_over(
    hidden: Float[Tensor, "n l w"], scores: Float[Tensor, "n l"], valid: Bool[Tensor, "n l"]
) -> Float[Tensor, "n w"]:
    """Mean weighted by the softmax of `scores` over the valid positions."""
    weights = scores.float().masked_fill(~valid, -float("inf")).softmax(dim=1)
    return (hidden.float() * weights[:, :, None]).sum(dim=1)
