"""Spectral signature: rows that stand out along the direction in which the rows of one kind differ most."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float, Int

from threatclip.checks import at_least, check
from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters.vectors import HALVES, Half, check_modality, half_of
from threatclip.defenses.filters.wording import beside_usual
from threatclip.pairs.pair import Modality

_FITTED_ROWS = 20_000  # directions and centers are found on so many rows at most
_TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectral:
    """Rows that stand out along the direction in which the rows of one kind differ most.

    The score is the squared length of a row, less the mean of its kind, along the first right singular vector of the
    kind, over its mean: 1 is usual. The paper takes classes for kinds. Pairs have none, so captions are divided into
    kinds by k-means: poison of one target lands in one kind, with the clean pairs that tell of it.

    Attributes:
        half: what is looked at: "view", "caption" or "pair".
        kinds: into which captions are divided; 1 looks at all rows together.
    """

    kind: Literal["spectral"] = "spectral"
    half: Half = "view"
    kinds: int = 10

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Tran 2018 (arXiv 1811.00636), algorithm 1"

    def __post_init__(self) -> None:
        check("half", self.half, self.half in HALVES, f"one of {', '.join(HALVES)}")
        at_least(self, 1, "kinds")

    def scores(self, evidence: Evidence, *, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        """Return how far each row stands out in its kind; `rng` starts k-means.

        Raises:
            InputError: the evidence has no vectors.
        """
        check_modality(self.kind, self.modalities, evidence)
        rows = half_of(evidence, self.half)
        kinds = caption_kinds(half_of(evidence, "caption"), self.kinds, rng=rng)
        scores = np.zeros(len(rows))
        for kind in np.unique(kinds):
            own = kinds == kind
            scores[own] = signature(rows[own])
        return scores

    def reasons(
        self,
        evidence: Evidence,  # noqa: ARG002
        scores: Float[np.ndarray, " n"],
        places: Sequence[int],
    ) -> list[str]:
        """Say how far a row stands out among those of like captions."""
        return beside_usual(
            scores,
            places,
            say=lambda score: (
                f"its {self.half} lies {np.sqrt(score):.3g} times as far out as is usual, along the direction in "
                "which those with captions of its kind differ most"
            ),
        )


def signature(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
    """Return the squared projection of each centered row on the first singular vector, over the mean of it."""
    centered = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    direction = np.linalg.eigh(centered.T @ centered)[1][:, -1]
    squared = (centered @ direction) ** 2
    return np.asarray(squared / max(float(squared.mean()), _TINY))


def caption_kinds(captions: Float[np.ndarray, "n d"], count: int, *, rng: np.random.Generator) -> Int[np.ndarray, " n"]:
    """Return the kind of each caption by k-means on a sample of them; fewer kinds where captions do not differ."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    sample = captions[np.sort(rng.permutation(len(captions))[:_FITTED_ROWS])]
    fitted = KMeans(min(count, len(sample)), n_init=3, random_state=int(rng.integers(2**31)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct captions than kinds: then so be it
        fitted.fit(sample)
    return np.asarray(fitted.predict(captions), dtype=np.int64)
