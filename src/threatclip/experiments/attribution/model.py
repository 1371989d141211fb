"""The group model: members score sentences, which are pooled over an incident, weighed and calibrated; or "unknown"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from threatclip.classification.abstention import Abstention
from threatclip.classification.fusion import LogLinearPool
from threatclip.experiments.attribution.contrast import ContrastModel
from threatclip.experiments.attribution.documents import GroupDocuments
from threatclip.experiments.attribution.incidents import pooled
from threatclip.experiments.attribution.nearest import NearestRows
from threatclip.experiments.attribution.techniques import TechniqueEvidence
from threatclip.experiments.attribution.whitening import Whitening

UNKNOWN = "unknown"
_LEAST_SHARE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Members:
    """What is fitted on rows: five scorers of sentences."""

    groups: tuple[str, ...]
    words: GroupDocuments
    chars: GroupDocuments
    whitening: Whitening
    nearest: NearestRows
    contrast: ContrastModel
    evidence: TechniqueEvidence

    def sentence_scores(
        self, texts: Sequence[str], features: Float[np.ndarray, "n d"]
    ) -> dict[str, Float[np.ndarray, "n c"]]:
        """Return the scores of every member."""
        vectors = self.whitening(features)
        return {
            "words": self.words.scores(texts),
            "chars": self.chars.scores(texts),
            "nearest": self.nearest.scores(vectors),
            "profiles": self.contrast.scores(features),
            "techniques": self.evidence.scores(vectors),
        }

    def incident_scores(
        self, texts: Sequence[str], features: Float[np.ndarray, "n d"], incidents: Sequence[str]
    ) -> dict[str, Float[np.ndarray, "m c"]]:
        """Return the members' scores of incidents, in the order in which they occur in `incidents`.

        Sentences' scores are standardized and summed, over the square root of their number: agreement counts more
        where there is more of it.
        """
        sizes = np.array(list(Counter(incidents).values()))  # in the order in which they occur, as in `pooled`
        return {
            name: pooled(scores, incidents) * np.sqrt(sizes)[:, None]
            for name, scores in self.sentence_scores(texts, features).items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """How probable it is that a group is none of the known: logistic in the log of the greatest probability."""

    bias: float
    slope: float

    def unknown(self, probabilities: Float[np.ndarray, "n c"]) -> Float[np.ndarray, " n"]:
        """Return the probability of "unknown" for each row."""
        confidence = np.log(np.maximum(probabilities.max(axis=1), _LEAST_SHARE))
        return np.asarray(1.0 / (1.0 + np.exp(-(self.bias + self.slope * confidence))))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdict:
    """What the model says of inputs.

    Attributes:
        probabilities: of the known groups [n, c]; with `unknown` they sum to 1 in each row.
        unknown: that it is none of them.
        answered: whether the first group is sure enough to be named.
    """

    probabilities: Float[np.ndarray, "n c"]
    unknown: Float[np.ndarray, " n"]
    answered: Bool[np.ndarray, " n"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judge:
    """How members become answers; chosen on report-held-out splits of the training rows, groups held out among them.

    Attributes:
        pool: weights and temperatures of the members.
        doubt: of the pool's greatest probability.
        incident: rule of when to name a group of several sentences.
        sentence: the same of a single one.
    """

    pool: LogLinearPool
    doubt: Doubt
    incident: Abstention
    sentence: Abstention

    def verdict(self, scores: Mapping[str, Float[np.ndarray, "n c"]], *, single: bool = False) -> Verdict:
        """Return the verdict on incidents, or on single sentences."""
        known = self.pool.probabilities(scores)
        unknown = self.doubt.unknown(known)
        probabilities = known * (1.0 - unknown[:, None])
        rule = self.sentence if single else self.incident
        return Verdict(
            probabilities=probabilities,
            unknown=unknown,
            answered=rule.answers(probabilities) & (probabilities.max(axis=1) >= unknown),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupModel:
    """Members and judge: from sentences to groups."""

    members: Members
    judge: Judge

    def incidents(self, texts: Sequence[str], features: Float[np.ndarray, "n d"], incidents: Sequence[str]) -> Verdict:
        """Return the verdict on each incident, in the order in which they occur."""
        return self.judge.verdict(self.members.incident_scores(texts, features, incidents))

    def sentences(self, texts: Sequence[str], features: Float[np.ndarray, "n d"]) -> Verdict:
        """Return the verdict on each sentence by itself."""
        single = [str(number) for number in range(len(texts))]
        return self.judge.verdict(self.members.incident_scores(texts, features, single), single=True)
