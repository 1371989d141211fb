"""Linear heads: multinomial logistic regression, one-against-rest SVM and ridge, kept as two arrays.

A head reads dense embeddings and sparse n-gram matrices alike. It is what scikit-learn fitted, without the object
that fitted it, so that it can be stored without a pickle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.svm import LinearSVC

from threatclip.classification.scores import UNSEEN_SCORE, check_training_rows
from threatclip.errors import DamagedArtifactError, InputError

Features: TypeAlias = np.ndarray | sparse.csr_matrix  # [n, d], dense or sparse
Weights: TypeAlias = np.ndarray  # [n]
LinearKind = Literal["logistic", "svc", "ridge", "nbsvm"]
_MAX_ITERATIONS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearSettings:
    """How a linear head is fitted.

    `logistic`, `svc` and `nbsvm` read `c`, the inverse of the L2 penalty; `ridge` reads `alpha`, the penalty, on
    targets of +1 and -1. `nbsvm` scales every feature by its log-count ratio before the margin is sought [Wang 2012]:
    for features that are zero where absent. `balanced` weights each class by n / (n_classes * rows of the class).
    """

    kind: LinearKind = "logistic"
    c: float = 1.0
    alpha: float = 1.0
    balanced: bool = True

    def __post_init__(self) -> None:
        if self.kind not in get_args(LinearKind) or self.c <= 0 or self.alpha <= 0:
            raise InputError(f"no linear head of kind {self.kind!r} with c={self.c}, alpha={self.alpha}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearHead:
    """Scores z @ weight.T + bias; logits of a logistic head, margins of the others (see `calibration`)."""

    weight: Float[np.ndarray, "c d"]
    bias: Float[np.ndarray, " c"]

    def scores(self, z: Features) -> Float[np.ndarray, "n c"]:
        """Return the score of each row for each class."""
        return np.asarray(z @ self.weight.T + self.bias, dtype=np.float64)

    def as_arrays(self) -> dict[str, np.ndarray]:
        """Return the head's arrays."""
        return {"weight": self.weight, "bias": self.bias}

    def config(self) -> dict[str, Any]:
        """Return the shape that `from_arrays` holds the arrays to."""
        return {"n_classes": self.weight.shape[0], "dim": self.weight.shape[1]}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> LinearHead:
        """Return the head that `as_arrays` and `config` wrote.

        Raises:
            DamagedArtifactError: arrays are missing or do not fit.
        """
        weight, bias = arrays.get("weight"), arrays.get("bias")
        shape = (config.get("n_classes"), config.get("dim"))
        if weight is None or bias is None or weight.shape != shape or bias.shape != shape[:1]:
            found = {name: array.shape for name, array in arrays.items()}
            raise DamagedArtifactError(f"a linear head of shape {shape} was stored, found {found}; train it anew")
        return cls(weight=weight, bias=bias)


def fit_linear(
    z: Features,
    truth: Int[np.ndarray, " n"],
    *,
    n_classes: int,
    settings: LinearSettings,
    rng: np.random.Generator,
    weights: Float[np.ndarray, " n"] | None = None,
) -> LinearHead:
    """Fit a linear head on features [n, d]; a class without rows scores `UNSEEN_SCORE` everywhere.

    `weights` says what a row counts; default 1 each.

    Raises:
        InputError: fewer than two classes, or unlabeled rows.
    """
    check_training_rows(z.shape[0], truth, n_classes=n_classes)
    random_state = int(rng.integers(2**31))
    if settings.kind == "nbsvm":
        return _fit_nbsvm(
            z, truth, n_classes, settings, random_state, np.ones(len(truth)) if weights is None else weights
        )
    model = _estimator(settings, random_state=random_state).fit(z, truth, sample_weight=weights)
    coefficients, intercept = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    if len(model.classes_) == 2:
        # one hyperplane for two classes; a softmax of (-s/2, +s/2) is the sigmoid of s, as the logistic model means it
        scale = 0.5 if settings.kind == "logistic" else 1.0
        coefficients = np.concatenate([-coefficients, coefficients]) * scale
        intercept = np.concatenate([-intercept, intercept]) * scale
    weight = np.zeros((n_classes, z.shape[1]), dtype=np.float32)
    bias = np.full(n_classes, UNSEEN_SCORE, dtype=np.float32)
    weight[model.classes_], bias[model.classes_] = coefficients, intercept
    return LinearHead(weight=weight, bias=bias)


def _estimator(settings: LinearSettings, *, random_state: int) -> Any:
    class_weight = "balanced" if settings.balanced else None
    if settings.kind == "svc":
        return LinearSVC(C=settings.c, class_weight=class_weight, max_iter=_MAX_ITERATIONS, random_state=random_state)
    if settings.kind == "ridge":
        return RidgeClassifier(alpha=settings.alpha, class_weight=class_weight, random_state=random_state)
    return LogisticRegression(
        C=settings.c, class_weight=class_weight, max_iter=_MAX_ITERATIONS, random_state=random_state
    )


def _fit_nbsvm(
    z: Features, truth: Int[np.ndarray, " n"], n_classes: int, settings: LinearSettings, random_state: int, own: Weights
) -> LinearHead:
    """One class against the rest: margins on features scaled by log(p/|p| / q/|q|), p and q smoothed row counts."""
    features = sparse.csr_matrix(z)
    present = (features > 0).astype(np.float64)
    weight = np.zeros((n_classes, features.shape[1]), dtype=np.float32)
    bias = np.full(n_classes, UNSEEN_SCORE, dtype=np.float32)
    for k in np.unique(truth):
        member = truth == k
        inside, outside = (1.0 + present.T @ (own * side) for side in (member, ~member))
        ratio = np.log((inside / inside.sum()) / (outside / outside.sum()))
        balance = np.where(member, own.sum() / (2 * own[member].sum()), own.sum() / (2 * own[~member].sum()))
        model = LinearSVC(C=settings.c, max_iter=_MAX_ITERATIONS, random_state=random_state)
        scaled = sparse.csr_matrix(features.multiply(ratio))
        model.fit(scaled, member, sample_weight=own * (balance if settings.balanced else 1.0))
        weight[k], bias[k] = model.coef_[0] * ratio, model.intercept_[0]
    return LinearHead(weight=weight, bias=bias)
