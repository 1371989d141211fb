"""Events without a label: pictures against prompts of pictures, words against prompts of words, and both together.

The thesis's idea: a class scores what the picture and the words say for it. A half's scores are cosines to the class
direction of its prompts. They become logits in units of their own spread over unlabeled posts, since cosines of two
models share no scale; then they are joined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize

from threatclip.classification.calibration import mean_nll
from threatclip.classification.scores import log_softmax, softmax
from threatclip.encoders.encode import encode
from threatclip.encoders.towers import Tower
from threatclip.errors import InputError
from threatclip.evaluation.zero_shot import class_prototypes, prompt_list

Joined = Literal["sum", "product", "max"]
JOINED: tuple[Joined, ...] = ("sum", "product", "max")
_SHARPNESS = 2.0  # logits per standard deviation of a half's scores: unlabeled scores cannot tell how sure to be


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Standard deviation of a half's scores around each post's mean over the classes: the unit of its logits."""

    value: float

    def logits(self, scores: np.ndarray) -> np.ndarray:
        """Return scores [n, c] as logits."""
        return np.asarray(_SHARPNESS * _around_mean(scores) / self.value)


def spread_of(scores: np.ndarray) -> Spread:
    """Return the spread of scores of posts, whose labels nobody needs to know.

    Raises:
        InputError: no posts, or scores that do not differ.
    """
    value = float(_around_mean(scores).std()) if len(scores) else 0.0
    if not value > 0:
        raise InputError(f"{len(scores)} posts have no scores that differ; give more posts, or other prompts")
    return Spread(value=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """log p = sharpness * (share * picture + (1 - share) * words), normalized, of the halves' logits."""

    share: float = 0.5
    sharpness: float = 1.0


def joined(picture: np.ndarray, words: np.ndarray, *, how: Joined, weighing: Weighing = Weighing()) -> np.ndarray:
    """Return probabilities [n, c] of two halves' logits, both there.

    "sum" weighs the probabilities, "product" the logits, "max" takes the surer half for each class.
    """
    a, b = softmax(weighing.sharpness * picture), softmax(weighing.sharpness * words)
    if how == "sum":
        return np.asarray(weighing.share * a + (1 - weighing.share) * b)
    if how == "product":
        # two times, so that equal shares are the plain product
        return softmax(2 * weighing.sharpness * (weighing.share * picture + (1 - weighing.share) * words))
    largest = np.maximum(a, b)
    return np.asarray(largest / largest.sum(axis=1, keepdims=True))


def fit_weighing(picture: np.ndarray, words: np.ndarray, truth: np.ndarray) -> Weighing:
    """Return the two numbers of "product" with the least negative log-likelihood on labeled posts of other folds.

    Raises:
        InputError: no posts.
    """
    if not len(truth):
        raise InputError("a weighing is fitted on labeled posts, and there are none")

    def loss(values: np.ndarray) -> float:
        weighing = _weighing(values)
        logits = 2 * weighing.sharpness * (weighing.share * picture + (1 - weighing.share) * words)
        return mean_nll(log_softmax(logits), truth)

    found = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-6})
    return _weighing(found.x)


def prototypes(tower: Tower, prompts: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Return one unit row [c, d] a class: the direction of its prompts under a text tower.

    Raises:
        InputError: a class has no prompts.
    """
    classes, texts, owners = prompt_list(prompts)
    vectors = encode(tower, [text.encode("utf-8", "replace") for text in texts], precision="fp32")
    return class_prototypes(vectors, owners, n_classes=len(classes))


def zero_shot(
    picture: np.ndarray | None, words: np.ndarray | None, *, how: Joined = "product", weighing: Weighing = Weighing()
) -> np.ndarray:
    """Return probabilities [n, c] of logits whose rows are NaN where a post lacks the half; uniform without both.

    Raises:
        InputError: neither half is given.
    """
    given = picture if picture is not None else words
    if given is None:
        raise InputError("zero-shot answers need the scores of a picture or of words")
    picture, words = (np.full_like(given, np.nan) if half is None else half for half in (picture, words))
    seen, said = ~np.isnan(picture).any(axis=1), ~np.isnan(words).any(axis=1)
    found = np.full(given.shape, 1 / given.shape[1])
    found[seen] = softmax(weighing.sharpness * picture[seen])
    found[said] = softmax(weighing.sharpness * words[said])
    both = seen & said
    found[both] = joined(picture[both], words[both], how=how, weighing=weighing)
    return found


def masked(logits: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return logits with NaN rows where a post lacks the half."""
    return np.where(there[:, None], logits, np.nan)


def _around_mean(scores: np.ndarray) -> np.ndarray:
    return np.asarray(scores - scores.mean(axis=1, keepdims=True), dtype=np.float64)


def _weighing(values: np.ndarray) -> Weighing:
    return Weighing(share=float(1 / (1 + np.exp(-values[0]))), sharpness=float(np.exp(values[1])))
