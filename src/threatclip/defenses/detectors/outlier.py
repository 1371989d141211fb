"""Local outliers: does a view lie where trusted views lie?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from threatclip.checks import at_least
from threatclip.defenses.contracts import Suspect
from threatclip.defenses.filters.neighbors import nearest
from threatclip.errors import InputError
from threatclip.pairs.pair import Modality

Measure = Literal["k_dist", "slof", "dao"]
_LEAST = 1e-6  # distance: two equal views are no infinite ratio
_LEAST_LOG = 1e-4  # of the authors' code: a neighborhood of one distance has no infinite dimension


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
    measure: Measure = "k_dist"
    k: int = 16

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Huang 2025 (ICLR), k-dist, SLOF and DAO; here against trusted views"
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
        if self.measure == "k_dist":
            return found.distances[:, -1].astype(np.float64)
        own = nearest(trusted, k=self.k, rng=rng).distances
        return outlier_scores(found.distances, found.places, own, weighted=self.measure == "dao")


def outlier_scores(
    distances: Float[np.ndarray, "n k"],
    places: Int[np.ndarray, "n k"],
    gallery: Float[np.ndarray, "m k"],
    *,
    weighted: bool,
) -> Float[np.ndarray, " n"]:
    """Return SLOF, or DAO where `weighted`, of queries against a gallery [Huang 2025, section 3].

    SLOF(x) = mean_j d_k(x) / d_k(j); DAO(x) = mean_j LID_j ln(d_k(x) / d_k(j)), over the k neighbors j, with
    LID_j = -k / sum_m ln(d_m(j) / d_k(j)).

    Args:
        distances: from each query to its neighbors in the gallery, ascending.
        places: rows of the gallery.
        gallery: from each row of the gallery to its neighbors among the others, ascending.
        weighted: by local intrinsic dimension.
    """
    own = np.maximum(distances[:, -1].astype(np.float64), _LEAST)
    others = np.maximum(gallery.astype(np.float64), _LEAST)
    ratios = own[:, None] / others[:, -1][places]
    if not weighted:
        return np.asarray(ratios.mean(axis=1))
    spread = np.log(others / others[:, -1:] + _LEAST_LOG).sum(axis=1)
    dimension = -others.shape[1] / np.minimum(spread, -_LEAST_LOG)
    return np.asarray((dimension[places] * np.log(ratios)).mean(axis=1))
