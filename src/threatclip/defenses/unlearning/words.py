"""Inserted tokens: what a trigger in words, in a payload or in a prompt is to a tower that reads tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from threatclip.encoders.padding import Tokens
from threatclip.encoders.towers import Tower

_BYTES = 256
_SHORT_RUN, _LONG_RUN = 4, 24


def vocabulary_size(tower: Tower) -> int:
    """Return how many tokens a tower knows: the rows of its largest embedding."""
    sizes = [module.num_embeddings for module in tower.modules() if isinstance(module, nn.Embedding)]
    return max(sizes, default=_BYTES)


def edge_tokens(rows: Sequence[Tokens]) -> frozenset[int]:
    """Return the tokens that every text begins or ends with: marks, which some towers look for."""
    first = {int(row[0]) for row in rows if len(row)}
    last = {int(row[-1]) for row in rows if len(row)}
    return frozenset(first if len(first) == 1 else ()) | frozenset(last if len(last) == 1 else ())


def with_insertion(row: Tokens, candidates: np.ndarray, *, limit: int, rng: np.random.Generator) -> Tokens:
    """Return a row with a run of tokens at a random place behind the first; first and last stay where they are.

    Args:
        row: tokens of a text.
        candidates: tokens to choose from.
        limit: tokens that the tower reads; a row that would be longer loses tokens before its last.
        rng: of run and place. A run is 1 to 4 tokens long, of a long row up to a tenth of it, and never over 24.
    """
    longest = min(max(_SHORT_RUN, len(row) // 10), _LONG_RUN)
    run = rng.choice(candidates, size=int(rng.integers(1, longest + 1))).astype(row.dtype)
    place = int(rng.integers(1, len(row))) if len(row) > 1 else len(row)
    longer = np.concatenate([row[:place], run, row[place:]])
    if len(longer) <= limit:
        return longer
    return np.concatenate([longer[: limit - 1], longer[-1:]])
