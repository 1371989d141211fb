"""Technique evidence: which techniques an incident's sentences show, and which groups' software does these things.

Counts come from software and campaigns, never from a group's own sentences: ATT&CK holds one sentence for a group and
a technique, so that a held-out sentence shows a technique that its own group lacks in training. Counting these would
teach a model to look away from the right group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from sklearn.preprocessing import normalize

from threatclip.classification.scores import softmax
from threatclip.experiments.attribution.rows import AttackRow

_SMOOTHING = 3.0  # of a group's counts, in rows of the overall shares
_TEMPERATURE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TechniqueEvidence:
    """Where techniques lie among sentences, and how much each speaks for each group.

    Attributes:
        ids: of the techniques.
        places: unit vectors [t, d], the mean of the known sentences of each technique.
        odds: log share of the technique among what the group's software does, against its share overall [c, t].
    """

    ids: tuple[str, ...]
    places: Float[np.ndarray, "t d"]
    odds: Float[np.ndarray, "c t"]

    def techniques(self, vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n t"]:
        """Return a probability for each technique; `vectors` are whitened unit rows."""
        return softmax(vectors @ self.places.T, temperature=_TEMPERATURE)

    def scores(self, vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """Return the expected log odds of every group, sentence by sentence."""
        return np.asarray(self.techniques(vectors) @ self.odds.T)


def fit_techniques(
    rows: Sequence[AttackRow], targets: Float[np.ndarray, "n c"], vectors: Float[np.ndarray, "n d"]
) -> TechniqueEvidence:
    """Count what software and campaigns of each group do; `vectors` are whitened unit rows of the same sentences."""
    ids = tuple(sorted({row.technique for row in rows}))
    place = {name: number for number, name in enumerate(ids)}
    member = np.zeros((len(rows), len(ids)), dtype=np.float32)
    member[np.arange(len(rows)), [place[row.technique] for row in rows]] = 1.0
    apart = np.array([row.kind != "group" for row in rows], dtype=np.float32)
    counts = (targets * apart[:, None]).T @ member
    overall = (member.sum(axis=0) + 1.0) / (member.sum() + len(ids))
    shares = (counts + _SMOOTHING * overall) / (counts.sum(axis=1, keepdims=True) + _SMOOTHING)
    return TechniqueEvidence(
        ids=ids,
        places=np.asarray(normalize(member.T @ vectors), dtype=np.float32),
        odds=np.asarray(np.log(shares / overall), dtype=np.float32),
    )
