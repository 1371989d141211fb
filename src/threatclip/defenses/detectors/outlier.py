"""Local outliers: does a view lie where trusted views lie?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal, get_args

import numpy as np
from jaxtyping import Float

from threatclip.checks import at_least
from threatclip.defenses.contracts import Suspect
from threatclip.defenses.filters.neighbors import nearest
from threatclip.defenses.filters.outliers import Score, dimensionality_aware, k_distance, simplified_lof
from threatclip.errors import InputError
from threatclip.pairs.pair import Modality

Measure = Literal["k_dist", "slof", "dao"]
_LEAST = 1e-4  # distance: copies lie at none, and scores divide by it
_SCORES: Mapping[str, Score] = MappingProxyType(
    {"k_dist": k_distance, "slof": simplified_lof, "dao": dimensionality_aware}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlier:
    """Local outlier: how sparse the trusted views are around a view, in the suspect model's own space.

    The paper scores a batch of training pairs against itself, where 16 poisons of one batch are each other's neighbors
    and pass; here every view is judged by itself against trusted views, which cannot happen. A model that moves
    triggered views right among those of the target leaves nothing to see.

    Attributes:
        measure: "k_dist", the distance to the k-th neighbor; "slof", its mean ratio to the neighbors' own; "dao", the
            ratios' logarithms weighted by the neighbors' local intrinsic dimension.
        k: neighbors.
    """

    kind: Literal["outlier"] = "outlier"
    measure: Measure = "dao"
    k: int = 16

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Huang 2025 (arXiv 2502.01385): k-dist, SLOF and DAO; here against trusted views"
    finding: ClassVar[str] = "lies where hardly any trusted view lies"

    def __post_init__(self) -> None:
        if self.measure not in get_args(Measure):
            raise InputError(f"measure = {self.measure!r} of outlier; choose {', '.join(get_args(Measure))}")
        at_least(self, 1, "k")

    def scores(self, suspect: Suspect, views: Sequence[bytes], *, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        """Return how far each view lies outside.

        Raises:
            InputError: fewer than k + 1 trusted views.
        """
        known = list(dict.fromkeys(pair.view for pair in suspect.trusted))
        if len(known) <= self.k:
            raise InputError(f"outlier needs more than k = {self.k} trusted views, got {len(known)}; give more")
        trusted = suspect.view_vectors(known)
        vectors = suspect.view_vectors(views)
        if not len(vectors):
            return np.empty(0)
        found = nearest(vectors, trusted, k=self.k, rng=rng)
        own = nearest(trusted, k=self.k, rng=rng)
        score = _SCORES[self.measure]
        values = score(_floored(found.distances), _floored(own.distances), found.places)
        return np.asarray(values, dtype=np.float64)


def _floored(distances: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    return np.asarray(np.maximum(distances, _LEAST), dtype=np.float64)
