"""What the baselines fit on their features: linear heads, neighbors, a random forest, the class shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from sklearn.ensemble import RandomForestClassifier

from threatclip.classification.heads import NeighborHead, unit
from threatclip.classification.linear import Features, LinearSettings, fit_linear
from threatclip.classification.scores import spread

_SHARE_FLOOR = 1e-3  # shares of trees or rows become log scores; a share of 0 does not rule a class out


@runtime_checkable
class Head(Protocol):
    """Scores [n, c] of features [n, d]."""

    def scores(self, z: Features, /) -> Float[np.ndarray, "n c"]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A linear head."""

    settings: LinearSettings

    def fit(self, z: Features, truth: Int[np.ndarray, " n"], n_classes: int, rng: np.random.Generator) -> Head:
        return fit_linear(z, truth, n_classes=n_classes, settings=self.settings, rng=rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbors:
    """The vote of the k nearest training rows by cosine."""

    k: int

    def fit(self, z: Features, truth: Int[np.ndarray, " n"], n_classes: int, rng: np.random.Generator) -> Head:
        del rng  # nothing is drawn
        return NeighborHead(vectors=unit(z), labels=truth, n_classes=n_classes, k=min(self.k, len(truth)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """A random forest with balanced class weights; scores are log shares of the trees' votes."""

    n_trees: int = 500

    def fit(self, z: Features, truth: Int[np.ndarray, " n"], n_classes: int, rng: np.random.Generator) -> Head:
        seed = int(rng.integers(2**31))
        model = RandomForestClassifier(self.n_trees, class_weight="balanced", random_state=seed, n_jobs=1)
        return _ForestHead(model=model.fit(z, truth), n_classes=n_classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Majority:
    """The training shares of the classes, whatever the payload."""

    def fit(self, z: Features, truth: Int[np.ndarray, " n"], n_classes: int, rng: np.random.Generator) -> Head:
        del z, rng  # nothing is read, nothing is drawn
        shares = np.bincount(truth, minlength=n_classes) / len(truth)
        return _ConstantHead(log_shares=np.log(np.maximum(shares, _SHARE_FLOOR)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _ForestHead:
    model: Any
    n_classes: int

    def scores(self, z: Features) -> Float[np.ndarray, "n c"]:
        if not z.shape[0]:
            return np.zeros((0, self.n_classes))
        shares = spread(self.model.predict_proba(z), classes=self.model.classes_, n_classes=self.n_classes, fill=0.0)
        return np.asarray(np.log(np.maximum(shares, _SHARE_FLOOR)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _ConstantHead:
    log_shares: Float[np.ndarray, " c"]

    def scores(self, z: Features) -> Float[np.ndarray, "n c"]:
        return np.tile(self.log_shares, (z.shape[0], 1))
