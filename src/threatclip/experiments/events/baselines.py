"""What anyone would try first on the same posts and folds, and two controls: leaked hashtags, untrained towers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from threatclip.classification.linear import Features
from threatclip.classification.ngrams import fit_vectors
from threatclip.classification.scores import softmax, spread
from threatclip.classification.span import fit_in_span
from threatclip.experiments.events.features import PostFeatures
from threatclip.experiments.events.fitting import Labeled
from threatclip.experiments.events.heads import NGRAMS, Centers
from threatclip.experiments.events.posts import folds_of
from threatclip.seeds import rng

_COST = 3.0  # inverse penalty of every linear head here: no choice is made on the rows that are judged
_HIDDEN, _HIDDEN_EPOCHS, _HIDDEN_PENALTY = 64, 150, 0.1

Fit = Callable[[Labeled, PostFeatures, int, int], np.ndarray]
"""From learned posts, judged posts, number of classes and a seed to probabilities [n, c]."""


def _words_tfidf(learned: Labeled, judged: PostFeatures, n_classes: int, seed: int) -> np.ndarray:
    """TF-IDF of words and characters, and a linear head."""

    def features(train: PostFeatures, test: PostFeatures) -> tuple[Features, Features]:
        vectors = [fit_vectors(train.text_bytes, settings=settings)[0] for settings in NGRAMS.values()]
        first, second = (
            sparse.csr_matrix(sparse.hstack([one.transform(rows.text_bytes) for one in vectors]))
            for rows in (train, test)
        )
        return first, second

    return _of_those_with(learned, judged, "has_words", features, n_classes, seed)


def _words_vectors(learned: Labeled, judged: PostFeatures, n_classes: int, seed: int) -> np.ndarray:
    """Vectors of the frozen text tower, and a linear head."""
    return _of_those_with(learned, judged, "has_words", partial(_centered, side=1), n_classes, seed)


def _picture_vectors(learned: Labeled, judged: PostFeatures, n_classes: int, seed: int) -> np.ndarray:
    """Vectors of the frozen picture tower, and a linear head."""
    return _of_those_with(learned, judged, "has_picture", partial(_centered, side=0), n_classes, seed)


def _side_by_side(learned: Labeled, judged: PostFeatures, n_classes: int, seed: int) -> np.ndarray:
    """Both towers as they are, side by side, and one linear head."""
    return _linear(*_joint(learned.rows, judged), learned.labels, n_classes, seed)


def _hidden_layer(learned: Labeled, judged: PostFeatures, n_classes: int, seed: int) -> np.ndarray:
    """Both towers side by side, and one hidden layer."""
    train, test = _joint(learned.rows, judged)
    network = MLPClassifier(
        (_HIDDEN,),
        alpha=_HIDDEN_PENALTY,
        max_iter=_HIDDEN_EPOCHS,
        learning_rate_init=3e-3,
        random_state=int(rng(seed, "events/hidden").integers(2**31)),
    )
    with warnings.catch_warnings():  # a fixed number of epochs is the penalty here
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(train, learned.labels)
    found = network.predict_proba(test)
    return spread(np.asarray(found), classes=network.classes_, n_classes=n_classes, fill=0.0)


FITS: Mapping[str, Fit] = {
    "words_tfidf": _words_tfidf,
    "words_vectors": _words_vectors,
    "picture_vectors": _picture_vectors,
    "unadapted": _side_by_side,
    "unadapted_mlp": _hidden_layer,
}
"""Baselines that are fitted on features of the model's own towers, by the name under which they are published."""

UNTRAINED, HASHTAGS, ZERO_SHOT = "untrained", "with_hashtags", "zero_shot_words"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds:
    """The folds that a run was judged in."""

    n_classes: int
    n_folds: int
    seed: int


def fitted_out_of_fold(fit: Fit, posts: Labeled, folds: Folds) -> np.ndarray:
    """Return the probabilities [n, c] of a baseline on the folds that a model of `folds.seed` was judged in."""
    found = np.zeros((len(posts), folds.n_classes))
    parts = folds_of(posts.labels, posts.clusters, n_folds=folds.n_folds, seed=folds.seed, stream="events/folds")
    for learned, judged in parts:
        found[judged] = fit(posts.take(learned), posts.rows.take(judged), folds.n_classes, folds.seed)
    return found


def side_by_side(learned: Labeled, judged: PostFeatures, n_classes: int, seed: int) -> np.ndarray:
    """Return what a linear head on both towers' vectors says: how towers are compared, untrained ones too."""
    return _side_by_side(learned, judged, n_classes, seed)


def _of_those_with(
    learned: Labeled,
    judged: PostFeatures,
    there: str,
    features: Callable[[PostFeatures, PostFeatures], tuple[Features, Features]],
    n_classes: int,
    seed: int,
) -> np.ndarray:
    """Fit and judge the posts that have a half; the others get the shares of the classes."""
    kept, asked = getattr(learned.rows, there), getattr(judged, there)
    found = np.tile(np.bincount(learned.labels, minlength=n_classes) / len(learned), (len(judged), 1))
    if asked.any():
        train, test = features(learned.rows.take(kept), judged.take(asked))
        found[asked] = _linear(train, test, learned.labels[kept], n_classes, seed)
    return found


def _linear(train: Features, test: Features, labels: np.ndarray, n_classes: int, seed: int) -> np.ndarray:
    heads = fit_in_span(train, labels, n_classes=n_classes, costs=(_COST,), rng=rng(seed, "events/baseline"))
    return softmax(next(iter(heads))[1].scores(test))


def _joint(train: PostFeatures, test: PostFeatures) -> tuple[np.ndarray, np.ndarray]:
    centers = _centers(train)
    first, second = (np.concatenate(centers.apply(rows), axis=1) for rows in (train, test))
    return first, second


def _centered(train: PostFeatures, test: PostFeatures, *, side: int) -> tuple[Features, Features]:
    centers = _centers(train)
    return centers.apply(train)[side], centers.apply(test)[side]


def _centers(rows: PostFeatures) -> Centers:
    return Centers(
        picture=rows.picture[rows.has_picture].mean(axis=0) if rows.has_picture.any() else np.zeros(1),
        words=rows.words[rows.has_words].mean(axis=0) if rows.has_words.any() else np.zeros(1),
    )


def with_texts(rows: PostFeatures, other: PostFeatures) -> PostFeatures:
    """Return the pictures of `rows` with the words of `other`."""
    return replace(rows, words=other.words, texts=other.texts, has_words=other.has_words)
