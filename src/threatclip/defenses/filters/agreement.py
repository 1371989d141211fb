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

    Only ranks count, so that no member dominates by the size of its figures. "mean" is the mean over the members of the
    share of pairs that each ranks below this one, ties by half, in [0, 1]: what most find somewhat suspect comes first,
    and a member that is blind to an attack costs much. "surprise" is the mean of -ln of the share that each ranks no
    lower, Fisher's combination of p-values: what one finds most suspect of all comes first, and a blind member costs
    little.

    Attributes:
        members: filters, each with settings of its own.
        how: ranks are combined: "mean" or "surprise".
    """

    kind: Literal["agreement"] = "agreement"
    members: tuple[Member, ...] = (Relevance(), Novelty(), Bursts())
    how: Literal["mean", "surprise"] = "mean"

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "of this project, 2026, by the ranks of Borda 1781 or the p-values of Fisher 1925"

    def __post_init__(self) -> None:
        check("members", self.members, len(self.members) >= 2, "a list of two filters or more")
        check("how", self.how, self.how in ("mean", "surprise"), "mean or surprise")
        distinct("members", tuple(repr(member) for member in self.members))

    def scores(self, evidence: Evidence, *, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        """Return the combined ranks of each pair; members draw from `rng` in turn.

        Raises:
            InputError: as any member.
        """
        check_modality(self.kind, self.modalities, evidence)
        combined = rank_shares if self.how == "mean" else surprise
        ranks = [combined(member.scores(evidence, rng=rng)) for member in self.members]
        return np.asarray(np.mean(ranks, axis=0))

    def reasons(
        self,
        evidence: Evidence,  # noqa: ARG002
        scores: Float[np.ndarray, " n"],
        places: Sequence[int],
    ) -> list[str]:
        """Say how suspect the members find it on the mean."""
        names = ", ".join(member.kind for member in self.members)
        # the geometric mean of the shares is what a mean of their logarithms says
        words = (
            "more suspect than {:.1%} of pairs on the mean of " if self.how == "mean" else "among the first {:.3%} by "
        )
        return beside_usual(
            scores,
            places,
            say=lambda score: words.format(score if self.how == "mean" else float(np.exp(-score))) + names,
        )


def rank_shares(scores: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return the share of other rows that score less, ties by half; in [0, 1]."""
    return np.asarray((rankdata(scores) - 1) / max(1, len(scores) - 1))


def surprise(scores: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return -ln of the share of rows that score no less, ties by half, in nats: 0 for the least, ln(2 n) at most."""
    return np.asarray(-np.log1p((0.5 - rankdata(scores)) / len(scores)))
