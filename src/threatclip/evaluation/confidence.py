"""Metrics of confidence: is a stated probability kept, and how much can be answered at a stated precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from threatclip.errors import InputError
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.weighting import Values, Weights, ratio, row_weights

N_BINS = 15


def ece(predictions: Predictions, *, n_bins: int = N_BINS, weights: Weights | None = None) -> Values:
    """Expected calibration error of the predicted class [Guo 2017, eq. 3], in fractions of 1.

    ECE = sum over bins of (n_bin / n) * |accuracy(bin) - mean confidence(bin)|, bins of equal width, (lower, upper].
    It is biased upwards for few rows, so a percentile interval may lie above the value.
    """
    weights = row_weights(predictions, weights)
    gap = predictions.correct - predictions.confidence
    bins = np.eye(n_bins)[confidence_bins(predictions.confidence, n_bins=n_bins)]
    return np.asarray(np.abs(weights @ (bins * gap[:, None])).sum(axis=-1) / weights.sum(axis=-1))


def confidence_bins(confidence: Float[np.ndarray, " n"], *, n_bins: int = N_BINS) -> Int[np.ndarray, " n"]:
    """Return the index of the equal-width bin (i/n_bins, (i+1)/n_bins] of each confidence; 0 falls in bin 0."""
    upper_edges = np.arange(1, n_bins) / n_bins
    return np.asarray(np.searchsorted(upper_edges, confidence, side="left"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """One bar of a reliability diagram; `accuracy` and `confidence` are None where the bin is empty."""

    low: float
    high: float
    n: int
    accuracy: float | None
    confidence: float | None


def reliability(predictions: Predictions, *, n_bins: int = N_BINS) -> list[ReliabilityBin]:
    """Return the reliability diagram of which `ece` is the summary."""
    row_weights(predictions, None)
    index = confidence_bins(predictions.confidence, n_bins=n_bins)
    bars = []
    for i in range(n_bins):
        rows = index == i
        bars.append(
            ReliabilityBin(
                low=i / n_bins,
                high=(i + 1) / n_bins,
                n=int(rows.sum()),
                accuracy=float(predictions.correct[rows].mean()) if rows.any() else None,
                confidence=float(predictions.confidence[rows].mean()) if rows.any() else None,
            )
        )
    return bars


def coverage_at_precision(
    predictions: Predictions, *, precision: float = 0.9, weights: Weights | None = None
) -> Values:
    """Largest share of rows that can be answered, most confident first, with at least `precision` of them right.

    Rows of equal confidence are answered together; 0 if no threshold reaches the precision. The threshold is the
    best one for these very rows, so this is a property of the ranking; for what a threshold fitted elsewhere does
    here, see `coverage` and `selective_accuracy`.

    Raises:
        InputError: `precision` is not in (0, 1].
    """
    if not 0 < precision <= 1:
        raise InputError(f"a precision lies in (0, 1], got {precision}")
    weights = row_weights(predictions, weights)
    order = np.argsort(-predictions.confidence, kind="stable")
    confidence = predictions.confidence[order]
    last_of_tie = np.append(confidence[1:] != confidence[:-1], True)
    ordered = weights[..., order]
    answered = np.cumsum(ordered, axis=-1)[..., last_of_tie]
    right = np.cumsum(ordered * predictions.correct[order], axis=-1)[..., last_of_tie]
    # counts are whole numbers, so a slack far below 1 only forgives the rounding of precision * answered
    reached = (right >= precision * answered - 1e-9) & (answered > 0)
    return np.asarray(np.where(reached, answered, 0.0).max(axis=-1) / weights.sum(axis=-1))


def coverage(predictions: Predictions, *, threshold: float, weights: Weights | None = None) -> Values:
    """Share of rows whose confidence is at least `threshold`: those that are answered."""
    weights = row_weights(predictions, weights)
    return np.asarray(weights @ (predictions.confidence >= threshold).astype(float) / weights.sum(axis=-1))


def selective_accuracy(predictions: Predictions, *, threshold: float, weights: Weights | None = None) -> Values:
    """Share of the answered rows (confidence at least `threshold`) that are right; NaN if none is answered."""
    weights = row_weights(predictions, weights)
    answered = (predictions.confidence >= threshold).astype(float)
    return ratio(weights @ (answered * predictions.correct), weights @ answered, empty=np.nan)
