"""Words for figures: how far a score stands above what is usual among the pairs that were scored together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float


def beside_usual(scores: Float[np.ndarray, " n"], places: Sequence[int], *, say: Callable[[float], str]) -> list[str]:
    """Return one sentence a place: what `say` makes of its score, then the median and the rank among all.

    Args:
        scores: of all pairs.
        places: rows to speak about.
        say: words for one score, without a full stop.
    """
    ascending = np.sort(scores)
    median = float(np.median(scores))
    above = len(scores) - np.searchsorted(ascending, scores[list(places)], side="right")
    return [
        f"{say(float(scores[place]))} (median {median:.3g}; {rank(int(higher), len(scores))})"
        for place, higher in zip(places, above.tolist(), strict=True)
    ]


def rank(higher: int, total: int) -> str:
    """Return the place of a score in words, of which `higher` lie above it."""
    return f"rank {higher + 1:,} of {total:,}"
