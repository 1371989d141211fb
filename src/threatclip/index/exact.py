"""Exact search: every stored vector is compared with every query, in blocks, for many queries at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

_BLOCK_ROWS = 16_384
_BLOCK_QUERIES = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nearest:
    """Places int64 [q, k] and cosines fp32 [q, k], best first; a place of -1 fills up a row with fewer than k."""

    places: Int[np.ndarray, "q k"]
    scores: Float[np.ndarray, "q k"]


def nearest(
    queries: Float[np.ndarray, "q d"],
    vectors: Float[np.ndarray, "n d"],
    *,
    k: int,
    passed: Bool[np.ndarray, " n"] | None = None,
) -> Nearest:
    """Return the k vectors of the greatest inner product with each query, among those that `passed`.

    Memory beside the arrays is one block of scores. Of equal scores the earlier row comes first.
    """
    asked = torch.from_numpy(np.ascontiguousarray(queries, dtype=np.float32))
    stored = torch.from_numpy(vectors)
    allowed = None if passed is None else torch.from_numpy(passed)
    places = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    with torch.inference_mode():
        for first in range(0, len(queries), _BLOCK_QUERIES):
            some = slice(first, first + _BLOCK_QUERIES)
            merged = Best(asked[some], k)
            for start in range(0, len(vectors), _BLOCK_ROWS):
                block = slice(start, start + _BLOCK_ROWS)
                merged.look(stored[block], start, None if allowed is None else allowed[block])
            found = merged.found()
            places[some], scores[some] = found.places, found.scores
    return Nearest(places=places, scores=scores)


class Best:
    """The k best of the blocks looked at so far, for some queries [q, d]."""

    def __init__(self, queries: Float[Tensor, "q d"], k: int) -> None:
        self._queries, self._k = queries, k
        self._scores = torch.full((len(queries), 0), -torch.inf)
        self._places = torch.full((len(queries), 0), -1, dtype=torch.int64)

    def look(self, block: Float[Tensor, "n d"], start: int, allowed: Bool[Tensor, " n"] | None = None) -> None:
        """Look at one block, whose first row is the `start`-th of all."""
        rows = None
        if allowed is not None and not bool(allowed.all()):
            rows = allowed.nonzero()[:, 0]
            block = block[rows]
        if not len(block):
            return
        scores, places = (self._queries @ block.T).topk(min(self._k, len(block)), dim=1)
        places = (places if rows is None else rows[places]) + start
        self._scores = torch.cat([self._scores, scores], dim=1)
        self._places = torch.cat([self._places, places], dim=1)
        if self._scores.shape[1] > self._k:
            self._sort()

    def _sort(self) -> None:
        by_place = self._places.argsort(dim=1)
        scores, places = self._scores.gather(1, by_place), self._places.gather(1, by_place)
        order = scores.argsort(dim=1, descending=True, stable=True)[:, : self._k]
        self._scores, self._places = scores.gather(1, order), places.gather(1, order)

    def found(self) -> Nearest:
        """Return what was found, filled up to k."""
        self._sort()
        missing = self._k - self._scores.shape[1]
        scores = torch.nn.functional.pad(self._scores, (0, missing), value=-torch.inf)
        places = torch.nn.functional.pad(self._places, (0, missing), value=-1)
        return Nearest(places=places.numpy(), scores=scores.numpy())
