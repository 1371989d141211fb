"""The event model on features: heads, and a pool of them for each way in which a post can come.

A post may lack its picture or its words. Each of the three ways has a pool of the heads that can be heard, with
weights and temperatures of its own, fitted on posts that the heads have not seen, the other half taken away. So a
probability means the same whatever is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from threatclip.classification.abstention import NEVER, Abstention
from threatclip.classification.fusion import LogLinearPool
from threatclip.experiments.events.features import PICTURE, WORDS, PostFeatures
from threatclip.experiments.events.heads import NEIGHBORS, Heads

BOTH = "both"
_CARRIES = 2 / 3  # share from which one half is said to carry an answer
WAYS: Mapping[str, tuple[str, ...]] = {
    BOTH: (PICTURE, WORDS, NEIGHBORS),
    PICTURE: (PICTURE, NEIGHBORS),
    WORDS: (WORDS, NEIGHBORS),
}
"""What there is of a post -> the heads that are heard."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventModel:
    """Calibrated probabilities of classes for posts of any way.

    Attributes:
        heads: see `Heads`.
        pools: way -> pool; a way that the training posts did not have is missing.
        abstentions: way -> when not to answer.
        shares: of the classes in training [c]: the answer where no pool can be heard, never confident.
    """

    heads: Heads
    pools: Mapping[str, LogLinearPool]
    abstentions: Mapping[str, Abstention]
    shares: np.ndarray

    def ways(self, rows: PostFeatures) -> np.ndarray:
        """Return for each post which pool it is heard by, "" where none can be; object [n]."""
        ways = np.full(len(rows), "", dtype=object)
        for way, there in (
            (WORDS, rows.has_words),
            (PICTURE, rows.has_picture),
            (BOTH, rows.has_picture & rows.has_words),
        ):
            if way in self.pools:
                ways[there] = way
        return ways

    def probabilities(self, rows: PostFeatures) -> np.ndarray:
        """Return the probabilities [n, c]."""
        found = np.tile(self.shares, (len(rows), 1))
        if not len(rows):
            return found
        scores = self.heads.scores(rows)
        ways = self.ways(rows)
        for way, pool in self.pools.items():
            here = ways == way
            if here.any():
                found[here] = pool.probabilities({name: scores[name][here] for name in pool.members})
        return found

    def answers(self, rows: PostFeatures, probabilities: np.ndarray) -> np.ndarray:
        """Return which posts are answered: bool [n]."""
        thresholds = {way: rule.threshold for way, rule in self.abstentions.items()}
        limits = np.array([thresholds.get(way, NEVER) for way in self.ways(rows)])
        return np.asarray(probabilities.max(axis=1, initial=0.0) >= limits)


def carried_by(
    both: np.ndarray, picture_alone: np.ndarray, words_alone: np.ndarray, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares [n] of the picture and of the words in each answer, by leaving the other half out.

    What a half adds is log p(chosen | both) - log p(chosen | the other half alone), 0 if less; its share is that of
    what both add. Where neither adds anything, the halves agree, or the answer is against both: one half each.

    Args:
        both: probabilities [n, c] with both halves.
        picture_alone: without the words.
        words_alone: without the picture.
        chosen: class number of each answer [n].
    """
    row = np.arange(len(chosen))
    whole, picture, words = (np.log(np.maximum(p[row, chosen], 1e-12)) for p in (both, picture_alone, words_alone))
    adds = np.stack([np.maximum(whole - words, 0.0), np.maximum(whole - picture, 0.0)])
    total = adds.sum(axis=0)
    shares = np.where(total > 0, adds / np.where(total > 0, total, 1.0), 0.5)
    return shares[0], shares[1]


def carrier(has_picture: bool, has_words: bool, picture: float, words: float) -> dict[str, Any]:
    """Return what carried one answer, as plain values: both shares, and the half that did most of it, or "both"."""
    if not (has_picture and has_words):
        half = PICTURE if has_picture else WORDS if has_words else "nothing"
        return {"half": half, PICTURE: float(has_picture), WORDS: float(has_words)}
    half = PICTURE if picture >= _CARRIES else WORDS if words >= _CARRIES else BOTH
    return {"half": half, PICTURE: picture, WORDS: words}
