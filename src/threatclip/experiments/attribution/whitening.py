"""Vectors of sentences as they are compared: whitened, so that no direction that all sentences share counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from sklearn.preprocessing import normalize

_JITTER = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whitening:
    """Vectors as they are compared: centered, every direction of much variance turned down, of length 1."""

    center: Float[np.ndarray, " d"]
    turn: Float[np.ndarray, "d d"]

    def __call__(self, features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Return unit rows."""
        return np.asarray(normalize((features - self.center) @ self.turn), dtype=np.float32)


def fit_whitening(features: Float[np.ndarray, "n d"], *, kept: float = 0.3) -> Whitening:
    """Return the whitening of training vectors; `kept` of the mean variance is added to that of every direction."""
    center = features.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((features - center).T) + _JITTER * np.eye(features.shape[1]))
    turn = vectors @ np.diag(1.0 / np.sqrt(values + kept * values.mean())) @ vectors.T
    return Whitening(center=center.astype(np.float32), turn=turn.astype(np.float32))
