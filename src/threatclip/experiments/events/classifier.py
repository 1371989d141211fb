"""An event classifier as users hold it: ranked, calibrated answers for posts, with evidence and what carried them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from threatclip.errors import InputError
from threatclip.experiments.events.catalogue import Catalogue
from threatclip.experiments.events.features import PICTURE, WORDS, PostFeatures, Reader
from threatclip.experiments.events.model import EventModel, carried_by, carrier
from threatclip.experiments.events.posts import plain_post
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.posts import Hashtags

_N_EVIDENCE = 3
_WORDS_CHARS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPost:
    """A training post as evidence shows it; its picture is named by the post's id alone."""

    id: str
    label: str
    words: str
    has_picture: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventClassifier:
    """From posts to ranked events.

    `known` are the posts it learned from, in the order of the neighbors' rows: the evidence behind an answer. `model`
    is the hash of the bundle's manifest, which names every file's hash.
    """

    classes: tuple[str, ...]
    reader: Reader
    fitted: EventModel
    catalogue: Catalogue
    hashtags: Hashtags
    known: tuple[KnownPost, ...]
    model: str = ""

    @property
    def modality(self) -> Modality:
        """The modality of the pairs that it reads."""
        return "image"

    def features(self, pairs: Sequence[Pair]) -> PostFeatures:
        """Return the features of posts, their words normalized as those of training were."""
        return self.reader.features([plain_post(pair, hashtags=self.hashtags) for pair in pairs])

    def probabilities(self, pairs: Sequence[Pair]) -> np.ndarray:
        """Return calibrated probabilities [n, c] over `classes`."""
        return self.fitted.probabilities(self.features(pairs))

    def classify_pairs(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        """Return, for each post, all events ranked, whether the model abstains, what carried the answer, the evidence.

        Raises:
            ImageFaultError: a picture cannot be read safely.
        """
        if not pairs:
            return []
        rows = self.features(pairs)
        probabilities = self.fitted.probabilities(rows)
        answered = self.fitted.answers(rows, probabilities)
        picture, words = self._carried(rows, probabilities)
        cosines = self.fitted.heads.neighbors.known @ self.fitted.heads.joint(rows).T
        return [
            {
                "id": pair.id,
                "answers": self._ranked(probabilities[row]),
                "abstained": not bool(answered[row]),
                "carried_by": carrier(
                    bool(rows.has_picture[row]), bool(rows.has_words[row]), float(picture[row]), float(words[row])
                ),
                "evidence": self._evidence(cosines[:, row]),
                "model": self.model,
            }
            for row, pair in enumerate(pairs)
        ]

    def _carried(self, rows: PostFeatures, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        picture_alone = self.fitted.probabilities(rows.without(WORDS))
        words_alone = self.fitted.probabilities(rows.without(PICTURE))
        return carried_by(probabilities, picture_alone, words_alone, probabilities.argmax(axis=1))

    def _ranked(self, probabilities: np.ndarray) -> list[dict[str, Any]]:
        return [
            {
                "label": self.classes[k],
                "name": self.catalogue.name(self.classes[k]),
                "probability": float(probabilities[k]),
            }
            for k in np.argsort(-probabilities, kind="stable")
        ]

    def _evidence(self, similarities: np.ndarray) -> list[dict[str, Any]]:
        most = sum(self.fitted.heads.shares)
        return [
            {
                "kind": "known case",
                "id": self.known[row].id,
                "label": self.known[row].label,
                "caption": self.known[row].words,
                "has_picture": self.known[row].has_picture,
                "cosine": float(similarities[row] / most),
            }
            for row in np.argsort(-similarities, kind="stable")[:_N_EVIDENCE]
        ]

    def check_parts(self) -> None:
        """Let parts that do not fit each other fail here, not at somebody's post.

        Raises:
            InputError: they do not fit.
        """
        if len(self.known) != len(self.fitted.heads.neighbors.known):
            raise InputError(f"{len(self.known)} known posts, {len(self.fitted.heads.neighbors.known)} rows of them")
        if self.fitted.shares.shape != (len(self.classes),):
            raise InputError(f"{len(self.classes)} classes, shares of {self.fitted.shares.shape}")
        self.classify_pairs([Pair(id="check", view=b"", caption="check")])


def known_post(pair: Pair) -> KnownPost:
    """Return a training post as evidence, its words cut to what a reader wants."""
    return KnownPost(
        id=pair.id, label=pair.label or "", words=(pair.caption or "")[:_WORDS_CHARS], has_picture=bool(pair.view)
    )
