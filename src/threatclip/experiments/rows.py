"""Rows to learn from or to be judged on: pairs, the numbers of their classes, and what each counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from threatclip.pairs.pair import Pair


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Pairs with their class numbers (`UNLABELED` where there is none) and training weights."""

    pairs: tuple[Pair, ...]
    labels: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def views(self) -> list[bytes]:
        """The views, in order."""
        return [pair.view for pair in self.pairs]

    def take(self, rows: np.ndarray) -> Rows:
        """Return some rows, by index or mask."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Rows(
            pairs=tuple(self.pairs[i] for i in index.tolist()), labels=self.labels[index], weights=self.weights[index]
        )

    def joined(self, other: Rows) -> Rows:
        """Return these rows, then `other`."""
        return Rows(
            pairs=(*self.pairs, *other.pairs),
            labels=np.concatenate([self.labels, other.labels]),
            weights=np.concatenate([self.weights, other.weights]),
        )
