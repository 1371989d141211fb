"""The nearest known sentence of each group, by vector: one on the very same trick says more than an average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

_SHARED = 0.25  # power of a row's share in a group: what k groups use is a little less near to each
_CHUNK_ROWS = 512  # sentences at a time: their cosines to all known ones are held in memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NearestRows:
    """Known sentences, and whose they are.

    Attributes:
        vectors: unit rows of the known sentences' whitened vectors [k, d].
        entries: numbers of known rows, group by group; a row that several groups share stands in each.
        starts: where each group begins among the entries; every group has one at least.
        weights: of the entries.
    """

    vectors: Float[np.ndarray, "k d"]
    entries: Int[np.ndarray, " e"]
    starts: Int[np.ndarray, " c"]
    weights: Float[np.ndarray, " e"]

    def scores(self, vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """Return the greatest cosine to a sentence of each group; `vectors` are whitened unit rows."""
        parts: Sequence[np.ndarray] = [
            np.maximum.reduceat(
                (vectors[start : start + _CHUNK_ROWS] @ self.vectors.T)[:, self.entries] * self.weights,
                self.starts,
                axis=1,
            )
            for start in range(0, len(vectors), _CHUNK_ROWS)
        ]
        return np.concatenate(parts).astype(np.float64)


def fit_nearest(targets: Float[np.ndarray, "k c"], vectors: Float[np.ndarray, "k d"]) -> NearestRows:
    """Keep the known sentences; `targets` are each one's shares in the groups, every group has a row."""
    groups, entries = np.nonzero(targets.T)
    return NearestRows(
        vectors=vectors,
        entries=entries,
        starts=np.searchsorted(groups, np.arange(targets.shape[1])),
        weights=(targets.T[groups, entries] ** _SHARED).astype(np.float32),
    )
