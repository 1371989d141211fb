"""The one way in which losses average over the rows that count."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor


def mean_over(values: Float[Tensor, "*shape"], counted: Bool[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Mean of `values` where `counted`; zero with a (zero) gradient where nothing is counted.

    Values that are not counted may be infinite or NaN: they reach neither the result nor the gradient.
    """
    kept = values.masked_fill(~counted, 0.0)
    return kept.sum() / counted.sum().clamp(min=1)
