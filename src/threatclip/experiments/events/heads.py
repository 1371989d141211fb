"""Heads on the features of posts: one for the picture, one for the words, and the known posts nearest by both.

Each head scores every class. A head that reads one half says nothing of a post without it: which heads are heard is
the choice of the pool (see `model`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from threatclip.classification.heads import unit
from threatclip.classification.linear import Features, LinearHead
from threatclip.classification.ngrams import NgramSettings, NgramVectors, fit_vectors
from threatclip.classification.span import fit_in_span
from threatclip.errors import InputError
from threatclip.experiments.events.features import PICTURE, WORDS, PostFeatures
from threatclip.experiments.events.recipe import Answer

NEIGHBORS = "neighbors"
NGRAMS: Mapping[str, NgramSettings] = {
    "word": NgramSettings(kind="word", min_n=1, max_n=2, min_df=1),
    "char": NgramSettings(kind="char", min_n=3, max_n=5, min_df=1),
}
_FLOOR = 1e-3  # share of the votes that every class has: no vote rules a class out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeighborVotes:
    """Votes of the known posts, each by exp(similarity / temperature).

    similarity = picture_share * cosine of pictures + words_share * cosine of words, of centered vectors; a missing
    half adds 0 to every known post alike, so that the other half decides.

    Attributes:
        known: centered rows [m, p + w], their halves scaled by the square root of the shares.
        labels: class numbers [m].
        n_classes: size of the catalogue.
        temperature: of the votes.
    """

    known: np.ndarray
    labels: np.ndarray
    n_classes: int
    temperature: float

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Return the log share of the votes [n, c] for rows made as `known` was."""
        similarity = rows @ self.known.T / self.temperature
        votes = np.exp(similarity - similarity.max(axis=1, keepdims=True))
        shares = votes @ np.eye(self.n_classes)[self.labels] / votes.sum(axis=1, keepdims=True)
        return np.asarray(np.log(shares + _FLOOR))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Centers:
    """Means of the training rows that have a half: taken away before cosines and heads, then rows are unit again."""

    picture: np.ndarray
    words: np.ndarray

    def apply(self, rows: PostFeatures) -> tuple[np.ndarray, np.ndarray]:
        """Return centered unit rows of both halves; a missing half stays zero."""
        picture = unit(rows.picture - self.picture) * rows.has_picture[:, None]
        return picture, unit(rows.words - self.words) * rows.has_words[:, None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heads:
    """The fitted heads; a half without posts of two classes has none.

    Attributes:
        centers: see `Centers`.
        linear: half -> its head.
        ngrams: what the head of words reads beside vectors; empty where it reads these alone.
        neighbors: see `NeighborVotes`.
        shares: of the pictures' and the words' cosines in the neighbors' similarity.
    """

    centers: Centers
    linear: Mapping[str, LinearHead]
    ngrams: tuple[NgramVectors, ...]
    neighbors: NeighborVotes
    shares: tuple[float, float]

    def scores(self, rows: PostFeatures) -> dict[str, np.ndarray]:
        """Return the scores [n, c] of every head; those of a half that a post lacks mean nothing."""
        found = {half: head.scores(self.inputs(half, rows)) for half, head in self.linear.items()}
        return {**found, NEIGHBORS: self.votes(rows)}

    def inputs(self, half: str, rows: PostFeatures) -> Features:
        """Return what the linear head of a half reads."""
        picture, words = self.centers.apply(rows)
        return picture if half == PICTURE else word_features(self.ngrams, words, rows)

    def votes(self, rows: PostFeatures) -> np.ndarray:
        """Return the scores [n, c] of the nearest known posts."""
        return self.neighbors.scores(self.joint(rows))

    def joint(self, rows: PostFeatures) -> np.ndarray:
        """Return centered rows of both halves as the neighbors compare them."""
        return joint_rows(*self.centers.apply(rows), self.shares)


def fit_heads(
    rows: PostFeatures,
    labels: np.ndarray,
    answer: Answer,
    *,
    n_classes: int,
    ngrams: bool,
    costs: Mapping[str, Sequence[float]],
    rng: np.random.Generator,
) -> tuple[Heads, dict[str, dict[float, LinearHead]]]:
    """Fit the heads; those of a half for every cost that is given for it.

    A post without a half is no training row of it.

    Returns:
        Heads with the first cost of each half, and every linear head: {half: {cost: head}}.

    Raises:
        InputError: no half has posts of two classes.
    """
    centers = Centers(picture=_mean(rows.picture, rows.has_picture), words=_mean(rows.words, rows.has_words))
    picture, words = centers.apply(rows)
    spoken = rows.take(rows.has_words)
    readable = [
        half
        for half, there in ((PICTURE, rows.has_picture), (WORDS, rows.has_words))
        if len(np.unique(labels[there])) > 1
    ]
    if not readable:
        raise InputError("neither pictures nor words are of two classes; give more posts")
    vectors = _fit_ngrams(spoken) if ngrams and WORDS in readable else ()
    linear: dict[str, dict[float, LinearHead]] = {}
    for half in readable:
        if half == PICTURE:
            inputs, truth, weights = _pictures(rows, picture, centers, labels)
        else:
            inputs = word_features(vectors, words[rows.has_words], spoken)
            truth, weights = labels[rows.has_words], None
        found = fit_in_span(inputs, truth, n_classes=n_classes, costs=costs[half], rng=rng, weights=weights)
        linear[half] = dict(found)
    shares = (answer.neighbor_picture, answer.neighbor_words)
    votes = NeighborVotes(
        known=joint_rows(picture, words, shares).astype(np.float32),
        labels=labels,
        n_classes=n_classes,
        temperature=answer.neighbor_temperature,
    )
    first = {half: heads[costs[half][0]] for half, heads in linear.items()}
    return Heads(centers=centers, linear=first, ngrams=vectors, neighbors=votes, shares=shares), linear


def _pictures(
    rows: PostFeatures, picture: np.ndarray, centers: Centers, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what the head of pictures is fitted on: each picture and its copies with drawn words share one weight."""
    there = rows.has_picture
    n_copies = rows.drawn.shape[1]
    copies = [unit(rows.drawn[there, number] - centers.picture) for number in range(n_copies)]
    inputs = np.concatenate([picture[there], *copies])
    truth = np.tile(labels[there], 1 + n_copies)
    return inputs, truth, np.full(len(truth), 1 / (1 + n_copies))


def word_features(ngrams: Sequence[NgramVectors], words: np.ndarray, rows: PostFeatures) -> Features:
    """Return what the head of words reads: centered vectors, and the n-grams beside them."""
    if not ngrams:
        return words
    columns = [sparse.csr_matrix(words), *(vectors.transform(rows.text_bytes) for vectors in ngrams)]
    return sparse.csr_matrix(sparse.hstack(columns))


def joint_rows(picture: np.ndarray, words: np.ndarray, shares: tuple[float, float]) -> np.ndarray:
    """Return rows [n, p + w] whose inner products are the weighted sums of the halves' cosines."""
    return np.concatenate([np.sqrt(shares[0]) * picture, np.sqrt(shares[1]) * words], axis=1)


def _fit_ngrams(rows: PostFeatures) -> tuple[NgramVectors, ...]:
    return tuple(fit_vectors(rows.text_bytes, settings=settings)[0] for settings in NGRAMS.values())


def _mean(vectors: np.ndarray, there: np.ndarray) -> np.ndarray:
    return np.asarray(vectors[there].mean(axis=0) if there.any() else np.zeros(vectors.shape[1], dtype=np.float32))
