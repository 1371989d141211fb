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
LinearKind = Literal["logistic", "svc", "ridge"]
_MAX_ITERATIONS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearSettings:
    """How a linear head is fitted.

    `logistic` and `svc` read `c`, the inverse of the L2 penalty; `ridge` reads `alpha`, the penalty, on targets of
    +1 and -1. `balanced` weights each class by n / (n_classes * rows of the class).
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
) -> LinearHead:
    """Fit a linear head on features [n, d]; a class without rows scores `UNSEEN_SCORE` everywhere.

    Raises:
        InputError: fewer than two classes, or unlabeled rows.
    """
    check_training_rows(z.shape[0], truth, n_classes=n_classes)
    model = _estimator(settings, random_state=int(rng.integers(2**31))).fit(z, truth)
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
