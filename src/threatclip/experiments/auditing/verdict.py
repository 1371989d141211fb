"""Which pairs are suspect: at or above the threshold of one filter at least, or among the most suspect of all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata

from threatclip.defenses.filters.thresholds import trusted_threshold
from threatclip.errors import InputError
from threatclip.experiments.auditing.filtering import Scored
from threatclip.experiments.auditing.request import ALARM, Audit
from threatclip.experiments.auditing.thresholds import (
    LEAST_SPREADS,
    evidence_of,
    fitted_tail,
    fitted_threshold,
    most_suspect,
)

STRONGEST, AGREEMENT = "strongest", "agreement"
METHODS = {
    STRONGEST: "the filter in which a pair stands out most, by how unlikely its score would be among clean pairs",
    AGREEMENT: "the mean, over the filters, of the share of pairs that score no higher",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdict:
    """The judged pairs of a table, n of them, ranked and divided.

    Attributes:
        scored: the filters, with their scores.
        thresholds: of each filter: from this score on a pair is suspect; infinite where none is.
        evidence: of each filter, -ln of the share of clean pairs that reach a score, float64 [n].
        method: what ranks the pairs: a filter, or one of METHODS.
        ranking: its scores, the higher the more suspect.
        suspect: which pairs are.
    """

    scored: tuple[Scored, ...]
    thresholds: Mapping[str, float]
    evidence: Mapping[str, Float[np.ndarray, " n"]]
    method: str
    ranking: Float[np.ndarray, " n"]
    suspect: Bool[np.ndarray, " n"]

    @property
    def order(self) -> Int[np.ndarray, " s"]:
        """The suspects, the most suspect first; ties in the table's order."""
        found = np.flatnonzero(self.suspect)
        return found[np.argsort(-self.ranking[found], kind="stable")]

    def flagged_by(self, place: int) -> list[str]:
        """Return the filters whose threshold a pair reaches."""
        return [one.kind for one in self.scored if one.scores[place] >= self.thresholds[one.kind]]

    def speakers(self, place: int) -> list[str]:
        """Return the filters that say why a pair is suspect: those that flag it, else where it stands out most."""
        flagged = self.flagged_by(place)
        return flagged or [max(self.evidence, key=lambda kind: self.evidence[kind][place])]


def judge_pairs(scored: Sequence[Scored], request: Audit, *, trusted: Mapping[str, np.ndarray]) -> Verdict:
    """Rank the judged pairs and say which are suspect.

    Args:
        scored: the filters, with their scores.
        request: how suspects are told.
        trusted: by kind, the scores of trusted pairs, where a false-positive rate is asked for.

    Raises:
        InputError: a threshold, or a method, of a filter that did not run; too few trusted pairs for the rate.
    """
    scores = {one.kind: one.scores for one in scored}
    for name in (*request.thresholds, *([request.method] if request.method else [])):
        if name not in scores and not (name == request.method and name in METHODS):
            raise InputError(f"no filter {name!r} ran on this table; those that did: {', '.join(scores)}")
    tails = {kind: fitted_tail(own, least_spread=LEAST_SPREADS.get(kind, 0.0)) for kind, own in scores.items()}
    evidence = {kind: evidence_of(own, tails[kind]) for kind, own in scores.items()}
    method = request.method or (next(iter(scores)) if len(scores) == 1 else STRONGEST)
    ranking = _ranking(method, scores, evidence)
    if request.thresholds:
        thresholds = {kind: float(request.thresholds.get(kind, math.inf)) for kind in scores}
    elif request.fpr is not None:
        thresholds = {kind: trusted_threshold(trusted[kind], fpr=request.fpr / len(scores)) for kind in scores}
    else:
        alarm = ALARM / len(scores)
        thresholds = {kind: fitted_threshold(own, tails[kind], alarm=alarm) for kind, own in scores.items()}
    if request.drop_top is not None:
        suspect = most_suspect(ranking, share=request.drop_top)
    else:
        suspect = np.any([own >= thresholds[kind] for kind, own in scores.items()], axis=0)
    return Verdict(
        scored=tuple(scored),
        thresholds=thresholds,
        evidence=evidence,
        method=method,
        ranking=ranking,
        suspect=suspect,
    )


def nothing_judged() -> Verdict:
    """Return the verdict on a table of which no pair can be judged: no suspect, and no filter that ran."""
    return Verdict(
        scored=(),
        thresholds={},
        evidence={},
        method=STRONGEST,
        ranking=np.empty(0),
        suspect=np.empty(0, dtype=bool),
    )


def _ranking(
    method: str, scores: Mapping[str, Float[np.ndarray, " n"]], evidence: Mapping[str, Float[np.ndarray, " n"]]
) -> Float[np.ndarray, " n"]:
    if method == STRONGEST:
        return np.asarray(np.max(list(evidence.values()), axis=0))
    if method == AGREEMENT:
        return np.asarray(np.mean([rankdata(own) / len(own) for own in scores.values()], axis=0))
    return scores[method]
