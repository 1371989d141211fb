"""Events without a label: pictures against prompts of pictures, words against prompts of words, and both together.

The thesis's idea: a class scores what the picture and the words say for it. A half's scores are cosines to the class
direction of its prompts, divided by the temperature that the model was trained at; then the halves are joined. Nothing
is fitted, unless a weighing is asked for, which takes two numbers from labeled posts of other folds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize

from threatclip.classification.calibration import mean_nll
from threatclip.classification.scores import log_softmax, softmax
from threatclip.errors import InputError
from threatclip.evaluation.zero_shot import class_prototypes, prompt_list, zero_shot_scores

Joined = Literal["sum", "product", "max"]
JOINED: tuple[Joined, ...] = ("product", "sum", "max")
SENTENCE_TEMPERATURE = 0.05
"""Cosines of sentence encoders were trained at a scale of 20 [Reimers 2019, MultipleNegativesRankingLoss]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """What the logits of each half are multiplied by before they are joined; both above 0."""

    picture: float = 1.0
    words: float = 1.0

    def __post_init__(self) -> None:
        if not (self.picture > 0 and self.words > 0):
            raise InputError(f"a weighing needs numbers above 0, got {self}")


EQUAL = Weighing()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Logits:
    """Zero-shot logits [n, c] of both halves, and which posts have each; rows without a half mean nothing."""

    picture: np.ndarray
    words: np.ndarray
    has_picture: np.ndarray
    has_words: np.ndarray

    def take(self, rows: np.ndarray) -> Logits:
        """Return some posts, by index or mask."""
        return Logits(
            picture=self.picture[rows],
            words=self.words[rows],
            has_picture=self.has_picture[rows],
            has_words=self.has_words[rows],
        )


def joined(logits: Logits, *, how: Joined, weighing: Weighing = EQUAL) -> np.ndarray:
    """Return probabilities [n, c]; of the half that is there where one is missing, uniform where both are.

    "product" multiplies the halves' probabilities, as if they were independent given the event; "sum" is their mean;
    "max" takes the surer half for each class.
    """
    a, b = weighing.picture * logits.picture, weighing.words * logits.words
    picture, words = softmax(a), softmax(b)
    if how == "sum":
        both = (picture + words) / 2
    elif how == "product":
        both = softmax(a + b)
    else:
        both = np.maximum(picture, words)
        both = both / both.sum(axis=1, keepdims=True)
    found = np.full(picture.shape, 1 / picture.shape[1])
    for here, answer in (
        (logits.has_words, words),
        (logits.has_picture, picture),
        (logits.has_picture & logits.has_words, both),
    ):
        found[here] = answer[here]
    return found


def alone(logits: Logits, half: Literal["picture", "words"]) -> np.ndarray:
    """Return the probabilities [n, c] of one half; uniform where it is missing."""
    values, there = (logits.picture, logits.has_picture) if half == "picture" else (logits.words, logits.has_words)
    return np.where(there[:, None], softmax(values), 1 / values.shape[1])


def fit_weighing(logits: Logits, truth: np.ndarray) -> Weighing:
    """Return the two numbers of "product" with the least negative log-likelihood on labeled posts with both halves.

    Raises:
        InputError: no post has both halves.
    """
    both = logits.has_picture & logits.has_words
    if not both.any():
        raise InputError("a weighing is fitted on posts with both halves, and there are none")
    kept, labels = logits.take(both), truth[both]

    def loss(values: np.ndarray) -> float:
        weighing = _weighing(values)
        return mean_nll(log_softmax(weighing.picture * kept.picture + weighing.words * kept.words), labels)

    found = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-7, "maxiter": 400})
    return _weighing(found.x)


def prompt_logits(
    vectors: np.ndarray,
    prompt_vectors: np.ndarray,
    prompts: Mapping[str, Sequence[str]],
    *,
    temperature: float,
) -> np.ndarray:
    """Return the logits [n, c] of unit vectors for the classes of a catalogue.

    Args:
        vectors: of the posts' half [n, d].
        prompt_vectors: of every prompt, in the catalogue's order [p, d].
        prompts: label -> prompts.
        temperature: what cosines are divided by.

    Raises:
        InputError: a class has no prompts.
    """
    classes, _, owners = prompt_list(prompts)
    directions = class_prototypes(prompt_vectors, owners, n_classes=len(classes))
    return np.asarray(zero_shot_scores(vectors, directions) / temperature, dtype=np.float64)


def _weighing(values: np.ndarray) -> Weighing:
    picture, words = np.exp(np.clip(values, -5, 5)).tolist()
    return Weighing(picture=picture, words=words)
