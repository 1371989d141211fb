"""Novelty: an emptier place than trusted pairs are in, measured among them alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float

from threatclip.checks import at_least, check
from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters.neighbors import nearest
from threatclip.defenses.filters.outliers import OUTLIER_SCORES, floored
from threatclip.defenses.filters.vectors import HALVES, Half, check_modality, half_of, trusted_half_of
from threatclip.defenses.filters.wording import beside_usual
from threatclip.pairs.pair import Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class Novelty:
    """A row in an emptier place than the trusted rows about it are in.

    A local outlier score of which all neighbors are trusted, as one-class use of LOF has it. Planted rows are nobody's
    neighbors, so that none hides among its like, at whatever rate: what `slof` and its kin cannot promise. It needs
    vectors of a model that has learned the suspect pairs: there, planted views stand apart from any clean one.

    Attributes:
        score: how an outlier is told: "k_dist", "slof" or "dao".
        k: trusted neighbors.
        half: what is looked at: "view", "caption" or "pair", both halves side by side.
    """

    kind: Literal["novelty"] = "novelty"
    score: Literal["k_dist", "slof", "dao"] = "slof"
    k: int = 16
    half: Half = "view"

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "of this project, 2026: Breunig 2000 as a novelty score, with the scores of Huang 2025"

    def __post_init__(self) -> None:
        at_least(self, 1, "k")
        check("score", self.score, self.score in OUTLIER_SCORES, f"one of {', '.join(OUTLIER_SCORES)}")
        check("half", self.half, self.half in HALVES, f"one of {', '.join(HALVES)}")

    def scores(self, evidence: Evidence, *, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        """Return the score of each row among trusted ones; `rng` divides trusted tables too large to search as a whole.

        Raises:
            InputError: no vectors, no trusted pairs, or no k neighbors among them.
        """
        check_modality(self.kind, self.modalities, evidence)
        rows, trusted = half_of(evidence, self.half), trusted_half_of(evidence, self.half)
        theirs = nearest(trusted, k=self.k, rng=rng)
        found = nearest(rows, trusted, k=self.k, rng=rng)
        return OUTLIER_SCORES[self.score](floored(found.distances), floored(theirs.distances), found.places)

    def reasons(
        self,
        evidence: Evidence,  # noqa: ARG002
        scores: Float[np.ndarray, " n"],
        places: Sequence[int],
    ) -> list[str]:
        """Say how far the trusted neighbors are."""
        words = {
            "k_dist": "trusted neighbor {k} of its {half} lies {score:.3f} away",
            "slof": "its {half} lies {score:.3g} times as far from trusted neighbor {k} as those do from theirs",
            "dao": "its {half} is an outlier by {score:.3g} beside {k} trusted neighbors, weighed by their dimension",
        }[self.score]
        return beside_usual(scores, places, say=lambda score: words.format(k=self.k, half=self.half, score=score))
