"""Agreement: pairs that several filters rank as suspect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from threatclip.checks import check, distinct
from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters.bursts import Bursts
from threatclip.defenses.filters.dao import Dao
from threatclip.defenses.filters.k_dist import KDist
from threatclip.defenses.filters.mixture import Mixture
from threatclip.defenses.filters.novelty import Novelty
from threatclip.defenses.filters.relevance import Relevance
from threatclip.defenses.filters.slof import Slof
from threatclip.defenses.filters.spectral import Spectral
from threatclip.defenses.filters.vectors import check_modality
from threatclip.defenses.filters.wording import beside_usual
from threatclip.pairs.pair import Modality

Member = Relevance | KDist | Slof | Dao | Novelty | Mixture | Spectral | Bursts


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Pairs that several filters rank as suspect.

    The score is the mean over the members of the share of pairs that each ranks below this one, ties by half, in
    [0, 1]: a scale that no member can dominate by the size of its figures.

    Attributes:
        members: filters, each with settings of its own.
    """

    kind: Literal["agreement"] = "agreement"
    members: tuple[Member, ...] = (Relevance(), Slof(), Spectral())

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "of this project, 2026, by the rank aggregation of Borda 1781"

    def __post_init__(self) -> None:
        check("members", self.members, len(self.members) >= 2, "a list of two filters or more")
        distinct("members", tuple(repr(member) for member in self.members))

    def scores(self, evidence: Evidence, *, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        """Return the mean rank of each pair, 1 where all members find none more suspect; members draw from `rng`.

        Raises:
            InputError: as any member.
        """
        check_modality(self.kind, self.modalities, evidence)
        ranks = [rank_shares(member.scores(evidence, rng=rng)) for member in self.members]
        return np.asarray(np.mean(ranks, axis=0))

    def reasons(
        self,
        evidence: Evidence,  # noqa: ARG002
        scores: Float[np.ndarray, " n"],
        places: Sequence[int],
    ) -> list[str]:
        """Say how suspect the members find it on the mean."""
        names = ", ".join(member.kind for member in self.members)
        return beside_usual(
            scores, places, say=lambda score: f"more suspect than {score:.1%} of pairs on the mean of {names}"
        )


def rank_shares(scores: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return the share of other rows that score less, ties by half; in [0, 1]."""
    return np.asarray((rankdata(scores) - 1) / max(1, len(scores) - 1))
