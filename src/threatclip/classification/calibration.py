"""Temperature scaling: scores to probabilities that hold, with one number fitted on validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize_scalar

from threatclip.classification.scores import log_softmax, softmax
from threatclip.errors import DamagedArtifactError, InputError

_LOG_RANGE = (-6.0, 6.0)
"""Temperatures from 1/400 to 400: cosines need about 1/50, logits about 1, margins something between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperature:
    """Probabilities are softmax(scores / value). The order of classes, and so every answer, stays as it was."""

    value: float = 1.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.value) and self.value > 0):
            raise InputError(f"a temperature is positive and finite, got {self.value}")

    def probabilities(self, scores: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """Return the calibrated probabilities of scores: logits, margins, cosines or votes."""
        return softmax(scores, temperature=self.value)

    def config(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"temperature": self.value}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Temperature:
        """Return the temperature that `config` wrote.

        Raises:
            DamagedArtifactError: it is not there or not positive.
        """
        try:
            return cls(value=float(config["temperature"]))
        except (KeyError, TypeError, ValueError, InputError) as error:
            raise DamagedArtifactError(f"the calibration is not whole ({error!r}); calibrate anew") from error


def fit_temperature(scores: Float[np.ndarray, "n c"], truth: Int[np.ndarray, " n"]) -> Temperature:
    """Return the temperature of least negative log-likelihood on validation rows [Guo 2017].

    Args:
        scores: of rows that the model was not fitted on.
        truth: their class indices; rows of -1 are left out.

    Raises:
        InputError: no row is labeled, or a score is not finite.
    """
    kept, labels = labeled_rows(scores, truth)

    def loss(log_temperature: float) -> float:
        return mean_nll(log_softmax(kept / np.exp(log_temperature)), labels)

    found = minimize_scalar(loss, bounds=_LOG_RANGE, method="bounded", options={"xatol": 1e-5})
    return Temperature(value=float(np.exp(found.x)))


def mean_nll(log_probabilities: Float[np.ndarray, "n c"], truth: Int[np.ndarray, " n"]) -> float:
    """Return the mean negative log-likelihood of the true classes, in nats."""
    return float(-log_probabilities[np.arange(len(truth)), truth].mean())


def labeled_rows(
    scores: Float[np.ndarray, "n c"], truth: Int[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "m c"], Int[np.ndarray, " m"]]:
    """Return the rows to fit on: those with a label, as float64.

    Raises:
        InputError: shapes disagree, none is labeled, or a score is not finite.
    """
    if scores.shape[:1] != truth.shape:
        raise InputError(f"{len(scores)} rows of scores have {len(truth)} labels")
    kept = np.asarray(scores, dtype=np.float64)[truth >= 0]
    if not len(kept):
        raise InputError("no validation row has a label to fit on; give a validation split")
    if not np.isfinite(kept).all():
        raise InputError("some validation scores are not finite; the model did not train")
    return kept, truth[truth >= 0]
