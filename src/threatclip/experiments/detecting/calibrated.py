"""Detectors with thresholds: trusted views are halved, one half to learn from and one to set the threshold by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from threatclip.defenses.contracts import Suspect
from threatclip.defenses.detectors.thresholds import conformal_p_values, conformal_threshold, least_trusted
from threatclip.errors import InputError
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibrated:
    """One detector with its threshold.

    Attributes:
        detector: of the union.
        suspect: the model, with the trusted pairs that the detector may look at.
        seed: of the stream "detect/KIND", the same for trusted and other views.
        trusted: scores of the trusted views that it may not look at, float64 [t].
        threshold: what a score must exceed.
    """

    detector: Any
    suspect: Suspect
    seed: int
    trusted: Float[np.ndarray, " t"]
    threshold: float

    def scores(self, views: Sequence[bytes]) -> Float[np.ndarray, " n"]:
        """Return the score of each view; what a detector draws, it draws as it did for the trusted views."""
        return _scores(self.detector, self.suspect, views, self.seed)

    def p_values(self, scores: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return how likely a clean view scores as high."""
        return conformal_p_values(self.trusted, scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What detectors say of one view.

    Attributes:
        id: of the view.
        detector: the one that finds it least likely to be clean.
        score: by that detector.
        threshold: of that detector.
        p_value: by that detector.
        flagged: whether any score exceeds its threshold.
        reason: in words.
        scores: by every detector.
    """

    id: str
    detector: str
    score: float
    threshold: float
    p_value: float
    flagged: bool
    reason: str
    scores: dict[str, float] = field(default_factory=dict)


def calibrate(detectors: Sequence[Any], suspect: Suspect, *, fpr: float, seed: int) -> list[Calibrated]:
    """Set the thresholds of detectors, so that together they flag a clean view with probability `fpr` at most.

    Each of m detectors is held to `fpr` / m.

    Args:
        detectors: of the union, of different kinds.
        suspect: the model, with all trusted pairs: one a view.
        fpr: the rate.
        seed: streams "detect/trusted" (the halving) and "detect/KIND".

    Raises:
        InputError: too few trusted views for that rate, or what a detector says of the model.
    """
    each = fpr / len(detectors)
    least = least_trusted(each)
    looked_at, held_out = _halves(suspect.trusted, seed)
    if len(held_out) < least:
        raise InputError(
            f"{len(suspect.trusted)} trusted views cannot keep a false-positive rate of {fpr:g} with "
            f"{len(detectors)} detector{'s' * (len(detectors) > 1)}; "
            f"give {2 * least}, raise --fpr, or run fewer detectors"
        )
    own = replace(suspect, trusted=looked_at)
    views = [pair.view for pair in held_out]
    found = []
    for detector in detectors:
        trusted = _scores(detector, own, views, seed)
        threshold = conformal_threshold(trusted, fpr=each)
        found.append(Calibrated(detector=detector, suspect=own, seed=seed, trusted=trusted, threshold=threshold))
    return found


def judge(calibrated: Sequence[Calibrated], ids: Sequence[str], views: Sequence[bytes]) -> list[Verdict]:
    """Return what detectors say of each view."""
    scores = np.stack([one.scores(views) for one in calibrated])
    p_values = np.stack([one.p_values(row) for one, row in zip(calibrated, scores, strict=True)])
    kinds = [one.detector.kind for one in calibrated]
    verdicts = []
    for place, name in enumerate(ids):
        least = int(p_values[:, place].argmin())
        one, score, p_value = calibrated[least], float(scores[least, place]), float(p_values[least, place])
        flagged = score > one.threshold
        verdicts.append(
            Verdict(
                id=name,
                detector=kinds[least],
                score=score,
                threshold=one.threshold,
                p_value=p_value,
                flagged=flagged,
                reason=_reason(one, p_value, flagged),
                scores=dict(zip(kinds, scores[:, place].tolist(), strict=True)),
            )
        )
    return verdicts


def _reason(one: Calibrated, p_value: float, flagged: bool) -> str:
    share = f"{p_value:.2%} of clean views would score as high"
    if flagged:
        return f"{one.detector.finding}; at most {share}"
    return f"nothing unusual; up to {share}"


def _scores(detector: Any, suspect: Suspect, views: Sequence[bytes], seed: int) -> Float[np.ndarray, " n"]:
    scores: np.ndarray = detector.scores(suspect, views, rng=rng(seed, f"detect/{detector.kind}"))
    return np.asarray(scores, dtype=np.float64)


def _halves(trusted: Sequence[Pair], seed: int) -> tuple[list[Pair], list[Pair]]:
    order = rng(seed, "detect/trusted").permutation(len(trusted))
    half = len(trusted) // 2
    return [trusted[place] for place in np.sort(order[:half])], [trusted[place] for place in np.sort(order[half:])]
