"""k-dist: far from its k-th nearest neighbor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float

from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters.outliers import check_outlier_settings, k_distance, outlier_scores
from threatclip.defenses.filters.vectors import Half, check_modality
from threatclip.defenses.filters.wording import beside_usual
from threatclip.pairs.pair import Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class KDist:
    """A row that lies far from its k-th nearest neighbor.

    Attributes:
        k: neighbors, searched in a random batch.
        half: what is looked at: "view", "caption" or "pair", both halves side by side.
        assumed_rate: largest share of planted pairs that a batch is made for.
        batch: rows of a batch; None: such that k / 4 planted ones are expected in it at the assumed rate.
        rounds: divisions into batches that the score is a mean of.
    """

    kind: Literal["k_dist"] = "k_dist"
    k: int = 16
    half: Half = "view"
    assumed_rate: float = 0.01
    batch: int | None = None
    rounds: int = 4

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Huang 2025 (arXiv 2502.01385); Ramaswamy 2000"

    def __post_init__(self) -> None:
        check_outlier_settings(self)

    def scores(self, evidence: Evidence, *, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        """Return the distance of each row to its k-th neighbor, in [0, 2]; `rng` draws the batches.

        Raises:
            InputError: no vectors, or too few rows for k neighbors.
        """
        check_modality(self.kind, self.modalities, evidence)
        return outlier_scores(self, evidence, k_distance, rng=rng)

    def reasons(
        self,
        evidence: Evidence,  # noqa: ARG002
        scores: Float[np.ndarray, " n"],
        places: Sequence[int],
    ) -> list[str]:
        """Say how far the k-th neighbor is."""
        return beside_usual(
            scores,
            places,
            say=lambda score: f"neighbor {self.k} of its {self.half} in a random batch lies {score:.3f} away",
        )
