"""Self-supervision inside one modality: a row finds its own second look among those of the batch."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from threatclip.losses.clip import one_direction


def look_infonce(
    originals: Float[Tensor, "n d"],
    looks: Float[Tensor, "n d"],
    *,
    temperature: float | Tensor = 0.07,
    positives: Bool[Tensor, "n n"] | None = None,
) -> Float[Tensor, ""]:
    """CE(A, A~): rows are originals, columns are their second looks, and nothing runs back from looks to originals.

    CE(A, A~) = mean_i -log softmax_i(<a_i, a~_.>/T).

    Args:
        originals: unit rows, A.
        looks: unit rows, A~; row i shows what row i of `originals` shows.
        temperature: T, divides cosines; a tensor when it is learned.
        positives: positives[i, j] tells that look j shows row i too (two rows of one caption, say); each row spreads
            its target evenly over them. Default: the diagonal, as in the paper.

    Returns:
        Nats; log(1 + (n - 1) exp(-1/T)) where looks equal originals that are orthogonal.

    Source: [Bansal 2023, eq. 3], one-directional as in its released code.
    """
    logits = originals @ looks.T / temperature
    if positives is None:
        positives = torch.eye(len(originals), dtype=torch.bool, device=originals.device)
    return one_direction(logits, positives)
