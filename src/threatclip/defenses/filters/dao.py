"""DAO: the dimensionality-aware outlier score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float

from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters.outliers import (
    check_outlier_settings,
    dimensionality_aware,
    outlier_scores,
)
from threatclip.defenses.filters.vectors import Half, check_modality
from threatclip.defenses.filters.wording import beside_usual
from threatclip.pairs.pair import Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class Dao:
    """A row in an emptier place than its neighbors are in, counted by how many dimensions they spread over.

    Attributes:
        k: neighbors, searched in a random batch.
        half: what is looked at: "view", "caption" or "pair", both halves side by side.
        assumed_rate: largest share of planted pairs that a batch is made for.
        batch: rows of a batch; None: such that k / 4 planted ones are expected in it at the assumed rate.
        rounds: divisions into batches that the score is a mean of.
    """

    kind: Literal["dao"] = "dao"
    k: int = 16
    half: Half = "view"
    assumed_rate: float = 0.01
    batch: int | None = None
    rounds: int = 4

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Anderberg 2024 (arXiv 2401.05453); as in Huang 2025 (arXiv 2502.01385)"

    def __post_init__(self) -> None:
        check_outlier_settings(self)

    def scores(self, evidence: Evidence, *, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        """Return the mean log ratio of the row's k-th distance to its neighbors', 0 is usual.

        It is weighted by the dimension that the neighbors spread over. `rng` draws the batches.

        Raises:
            InputError: no vectors, or too few rows for k neighbors.
        """
        check_modality(self.kind, self.modalities, evidence)
        return outlier_scores(self, evidence, dimensionality_aware, rng=rng)

    def reasons(
        self,
        evidence: Evidence,  # noqa: ARG002
        scores: Float[np.ndarray, " n"],
        places: Sequence[int],
    ) -> list[str]:
        """Say how much of an outlier it is."""
        return beside_usual(
            scores,
            places,
            say=lambda score: (
                f"its {self.half} is an outlier by {score:.3g} beside its {self.k} neighbors in a random batch, "
                "weighed by their dimension"
            ),
        )
