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
from threatclip.experiments.attribution.scaling import Scale
from threatclip.experiments.attribution.techniques import TechniqueEvidence
from threatclip.experiments.attribution.whitening import Whitening

UNKNOWN = "unknown"
_LEAST_SHARE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Members:
    """What is fitted on rows: five scorers of sentences, and the scale of each."""

    groups: tuple[str, ...]
    words: GroupDocuments
    chars: GroupDocuments
    whitening: Whitening
    nearest: NearestRows
    contrast: ContrastModel
    evidence: TechniqueEvidence
    scales: Mapping[str, Scale]

    def sentence_scores(
        self, texts: Sequence[str], features: Float[np.ndarray, "n d"]
    ) -> dict[str, Float[np.ndarray, "n c"]]:
        """Return the scores of every member, all groups on one scale."""
        return {name: self.scales[name](scores) for name, scores in self.raw_scores(texts, features).items()}

    def raw_scores(
        self, texts: Sequence[str], features: Float[np.ndarray, "n d"]
    ) -> dict[str, Float[np.ndarray, "n c"]]:
        """Return the scores of every member as it gives them."""
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
        incident: rule of when to name a group of several sentences, on `leads`. A group that is named gets the
            precision that the rule kept as its probability, where the pool gives it less.
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
        rule = self.sentence if single else self.incident
        answered = rule.answers(leads(known)[:, None])
        found = np.column_stack([known * (1.0 - unknown[:, None]), unknown])
        found[answered] = _at_least(found[answered], rule.precision)
        return Verdict(probabilities=found[:, :-1], unknown=found[:, -1], answered=answered)


def leads(probabilities: Float[np.ndarray, "n c"]) -> Float[np.ndarray, " n"]:
    """Return the share of the first group among the first two: long incidents make any first group look sure."""
    if probabilities.shape[1] < 2:
        return np.ones(len(probabilities))
    best = np.sort(probabilities, axis=1)[:, -2:]
    return np.asarray(best[:, 1] / np.maximum(best.sum(axis=1), _LEAST_SHARE))


def _at_least(shares: Float[np.ndarray, "n k"], least: float) -> Float[np.ndarray, "n k"]:
    """Return rows of shares in which the first group, the last column apart, has `least` or more."""
    rows, first = np.arange(len(shares)), shares[:, :-1].argmax(axis=1)
    own = shares[rows, first]
    raised = np.maximum(own, least)
    found = np.asarray(shares * ((1.0 - raised) / np.maximum(1.0 - own, _LEAST_SHARE))[:, None])
    found[rows, first] = raised
    return found


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
