"""A zero-shot event classifier as users hold it: any dual encoder of pictures, and a catalogue of prompts to edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.errors import InputError
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.events.catalogue import Catalogue, read_catalogue
from threatclip.experiments.events.features import PICTURE, WORDS
from threatclip.experiments.events.model import carried_by, carrier
from threatclip.experiments.events.posts import plain_post
from threatclip.experiments.events.space import PostVectors, Space
from threatclip.experiments.events.zero_shot import alone, joined
from threatclip.pairs.pair import Modality, Pair


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PromptedClassifier:
    """From posts to ranked events, by prompts alone.

    The halves' probabilities are multiplied. They are not calibrated, since nothing was labeled; so it
    never abstains from a post with words or a picture. Hashtags are read as words. The evidence behind an answer is the
    prompt nearest to each half.
    """

    space: Space
    catalogue: Catalogue
    model: str = ""

    @property
    def modality(self) -> Modality:
        """The modality of the pairs that it reads."""
        return "image"

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels of the catalogue."""
        return tuple(self.catalogue.events)

    def probabilities(self, pairs: Sequence[Pair]) -> np.ndarray:
        """Return the probabilities [n, c] over `classes`; not calibrated."""
        return joined(self.space.logits(self._vectors(pairs), self.catalogue), how="product")

    def classify_pairs(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        """Return, for each post, all events ranked, what carried the answer, and the nearest prompts.

        Raises:
            ImageFaultError: a picture cannot be read safely.
        """
        if not pairs:
            return []
        vectors = self._vectors(pairs)
        logits = self.space.logits(vectors, self.catalogue)
        found = joined(logits, how="product")
        shares = carried_by(found, alone(logits, "picture"), alone(logits, "words"), found.argmax(axis=1))
        evidence = self._evidence(vectors)
        return [
            {
                "id": pair.id,
                "answers": [
                    {"label": self.classes[k], "name": self.catalogue.name(self.classes[k]), "probability": float(p)}
                    for k, p in sorted(enumerate(found[row].tolist()), key=lambda one: -one[1])
                ],
                "abstained": not bool(vectors.has_picture[row] or vectors.has_words[row]),
                "carried_by": carrier(
                    bool(vectors.has_picture[row]), bool(vectors.has_words[row]), *(float(one[row]) for one in shares)
                ),
                "evidence": evidence[row],
                "model": self.model,
            }
            for row, pair in enumerate(pairs)
        ]

    def _vectors(self, pairs: Sequence[Pair]) -> PostVectors:
        return self.space.vectors([plain_post(pair, hashtags="words") for pair in pairs])

    def _evidence(self, vectors: PostVectors) -> list[list[dict[str, Any]]]:
        found: list[list[dict[str, Any]]] = [[] for _ in range(len(vectors.has_words))]
        for half in (PICTURE, WORDS):
            prompts = self.catalogue.prompts(half)
            texts = [(label, text) for label, own in prompts.items() for text in own]
            joint, sentence = self.space.texts([text for _, text in texts])
            own = half == WORDS and self.space.has_sentences
            rows = vectors.picture if half == PICTURE else vectors.sentence if own else vectors.words
            cosines = rows @ (sentence if own else joint).T
            there = vectors.has_picture if half == PICTURE else vectors.has_words
            for row in np.flatnonzero(there).tolist():
                best = int(cosines[row].argmax())
                label, text = texts[best]
                found[row].append(
                    {"kind": "prompt", "half": half, "label": label, "text": text, "cosine": float(cosines[row, best])}
                )
        return found


def load_prompted(folder: Path, *, catalogue: Path | None) -> PromptedClassifier:
    """Read a dual encoder and a catalogue: the built-in one where none is named.

    Raises:
        InputError: no bundle, one that reads no pictures, or an unusable catalogue.
        DamagedArtifactError: a file of the bundle was changed.
    """
    bundle = DualBundle.load(folder)
    if bundle.modality != "image":
        raise InputError(f"{folder} reads {bundle.modality}s; posts of picture and words need a model of images")
    return PromptedClassifier(space=Space(dual=bundle.dual), catalogue=read_catalogue(catalogue), model=bundle.model)
