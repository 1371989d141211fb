"""Relevance: a caption that an independent encoder finds far from its view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float

from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters.vectors import check_modality, pair_cosines
from threatclip.defenses.filters.wording import beside_usual
from threatclip.pairs.pair import Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """A caption that an independent encoder finds far from its view.

    The score is the cosine distance 1 - cos(view, caption), in [0, 2]. The encoder must not have learned from the
    suspect pairs: one that did has learned that they match. It is blind to poison of which the caption tells what the
    view shows to this encoder: relabeled pairs with a trigger that was optimized to look like the target.
    """

    kind: Literal["relevance"] = "relevance"

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Yang 2023 (arXiv 2209.15266), section 5"

    def scores(
        self,
        evidence: Evidence,
        *,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Float[np.ndarray, " n"]:
        """Return the cosine distance of each view from its caption; nothing is random.

        Raises:
            InputError: the evidence has no vectors.
        """
        check_modality(self.kind, self.modalities, evidence)
        return np.asarray(1 - pair_cosines(evidence))

    def reasons(
        self,
        evidence: Evidence,  # noqa: ARG002
        scores: Float[np.ndarray, " n"],
        places: Sequence[int],
    ) -> list[str]:
        """Say how far apart the halves lie."""
        return beside_usual(
            scores, places, say=lambda score: f"its caption lies at cosine distance {score:.3f} from its view"
        )
