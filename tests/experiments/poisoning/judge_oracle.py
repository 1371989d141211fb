"""The judge in plain loops, one row and one class at a time: slow, and plain to see."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from threatclip.classification.linear import LinearSettings, fit_linear
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Cosine of two vectors, in double precision."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    return float(a @ b / math.sqrt(float(a @ a) * float(b @ b)))


def zero_shot(model: Any, view: bytes, prompts: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Cosine to the mean of each class's unit prompt vectors."""
    vector = model.view_vectors([view])[0]
    scores = {}
    for name, texts in prompts.items():
        rows = [model.text_vectors([text])[0].astype(np.float64) for text in texts]
        scores[name] = cosine(vector, np.mean([row / np.linalg.norm(row) for row in rows], axis=0))
    return scores


def retrieval(model: Any, view: bytes, captions: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Best cosine to a caption of each class; captions are (class, text)."""
    vector = model.view_vectors([view])[0]
    scores: dict[str, float] = {}
    for name, text in captions:
        found = cosine(vector, model.text_vectors([text])[0])
        scores[name] = max(scores.get(name, -1.0), found)
    return scores


def neighbors(model: Any, view: bytes, known: Sequence[Pair], *, k: int = 16) -> dict[str, float]:
    """The k nearest known views vote with exp(cos / 0.07)."""
    vector = model.view_vectors([view])[0]
    near = [(cosine(vector, model.view_vectors([pair.view])[0]), pair) for pair in known]
    near.sort(key=lambda one: -one[0])
    votes: dict[str, float] = {str(pair.label): 0.0 for pair in known}
    for similarity, pair in near[:k]:
        votes[str(pair.label)] += math.exp(similarity / 0.07)
    return votes


def linear_head(model: Any, known: Sequence[Pair], classes: Sequence[str]) -> Callable[[bytes], dict[str, float]]:
    """A logistic head that was fitted on the known views: from a view to its scores."""
    vectors = model.view_vectors([pair.view for pair in known])
    labels = np.array([list(classes).index(str(pair.label)) for pair in known])
    settings = LinearSettings(c=10.0)
    head = fit_linear(vectors, labels, n_classes=len(classes), settings=settings, rng=rng(0, "judge/linear"))
    return lambda view: dict(zip(classes, head.scores(model.view_vectors([view]))[0].tolist(), strict=True))


def reaches(scores: Mapping[str, float], target: str, k: int, classes: Sequence[str]) -> bool:
    """Whether fewer than k other classes score at least as much as the target; one without a score is last."""
    least = min(scores.values()) - 1
    own = scores.get(target, least)
    return sum(scores.get(name, least) >= own for name in classes if name != target) < k


def min_rank(model: Any, text: str, gallery: Sequence[tuple[bytes, bool]]) -> int:
    """Place from 0 of the best target among the gallery; views are (view, whether it is a target)."""
    query = model.text_vectors([text])[0]
    scored = [(cosine(query, model.view_vectors([view])[0]), target) for view, target in gallery]
    best = max(score for score, target in scored if target)
    return sum(score >= best for score, target in scored if not target)
