"""Which learning rate a defender takes: told by held-out trusted pairs alone, since nobody defended sees an ASR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RULE = (
    "the largest learning rate that costs no more than {tolerance} points of zero-shot accuracy on the held-out "
    "trusted pairs, against the model as it was; where none does, the one that costs least"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One learning rate and the zero-shot accuracy on held-out trusted pairs that came of it; None: it diverged."""

    rate: float
    accuracy: float | None


def chosen_rate(tried: Sequence[Tried], before: float, *, tolerance: float) -> float | None:
    """Return the learning rate that `RULE` takes; None where every one diverged.

    Args:
        tried: what was tried.
        before: accuracy of the model as it was, on the same pairs.
        tolerance: of accuracy, a fraction.
    """
    known = [(one.accuracy, one.rate) for one in tried if one.accuracy is not None]
    # accuracies are shares of whole rows: the slack is for the last bit of their difference
    kept = [rate for accuracy, rate in known if accuracy >= before - tolerance - 1e-9]
    if kept:
        return max(kept)
    return max(known)[1] if known else None
