"""Reading the figures of an evaluation: what is absent, null or not finite is None, never an error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from threatclip.evaluation.shortcuts import SHORTCUT_PROBES

Evaluation = Mapping[str, Any]
NEGATIVE_CONTROL = "endpoint_only"
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One figure, the ends of its 95% interval and the number of rows behind it; None where unknown."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None


NOTHING = Estimate()


@dataclass(frozen=True, slots=True, kw_only=True)
class MixUp:
    """`count` of the `support` rows of class `truth` were answered `answer`."""

    truth: str
    answer: str
    count: int
    support: int


def number(value: Any) -> float | None:
    """Return a finite number as float, anything else as None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def estimate(value: Any) -> Estimate:
    """Return the `{"value", "low", "high", "n"}` of an evaluation; parts that it lacks are None."""
    if not isinstance(value, Mapping):
        return NOTHING
    n = number(value.get("n"))
    return Estimate(
        value=number(value.get("value")),
        low=number(value.get("low")),
        high=number(value.get("high")),
        n=None if n is None else int(n),
    )


def table(evaluation: Evaluation, *path: str) -> Mapping[str, Any]:
    """Return the table at `path`, an empty one where it is absent."""
    found: Any = evaluation
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def metric(evaluation: Evaluation, *path: str) -> Estimate:
    """Return the estimate at `path`."""
    return estimate(table(evaluation, *path))


def best_baseline(evaluation: Evaluation) -> str | None:
    """Return the baseline that the paired comparison names, else the one with the highest macro-F1 (or accuracy)."""
    baselines = table(evaluation, "baselines")
    named = table(evaluation, "comparison").get("baseline")
    if named in baselines:
        return str(named)
    return max(baselines, key=lambda name: _rank(table(baselines, name)), default=None)


def _rank(metrics: Mapping[str, Any]) -> tuple[float, float]:
    values = (metric(metrics, name).value for name in ("macro_f1", "accuracy"))
    macro_f1, accuracy = (-1.0 if value is None else value for value in values)
    return macro_f1, accuracy


def probe_names(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the probes of the model: those of the shortcut score, the negative control, then the others."""
    names = [name for name in table(evaluation, "probes") if name != "full"]
    order = (*SHORTCUT_PROBES, NEGATIVE_CONTROL)
    return tuple(sorted(names, key=lambda name: order.index(name) if name in order else len(order)))


def trained_probes(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the probes that training has seen: they no longer measure anything."""
    return tuple(table(evaluation, "shortcuts").get("trained_probes") or ())


def probe_drop(metrics: Mapping[str, Any], probes: Mapping[str, Any], name: str) -> float | None:
    """Return macro-F1 of the full views minus that under a probe, None if either is unknown."""
    full, probed = metric(metrics, "macro_f1").value, metric(probes, name, "macro_f1").value
    return None if full is None or probed is None else full - probed


def probe_loss(
    metrics: Mapping[str, Any], probes: Mapping[str, Any], shortcuts: Mapping[str, Any], name: str
) -> Estimate:
    """Return the macro-F1 lost under a probe: with the paired interval of `shortcuts` where it has one."""
    drops = table(shortcuts, "drops")
    return estimate(drops[name]) if name in drops else Estimate(value=probe_drop(metrics, probes, name))


def plain_shortcut_score(metrics: Mapping[str, Any], probes: Mapping[str, Any]) -> float | None:
    """Return S as the mean of `probe_drop` (no interval), None unless every probe of the score is there."""
    drops = [probe_drop(metrics, probes, name) for name in SHORTCUT_PROBES]
    known = [drop for drop in drops if drop is not None]
    return sum(known) / len(known) if len(known) == len(drops) else None


def majority(evaluation: Evaluation) -> Estimate:
    """Return the accuracy of always giving one answer: the majority baseline's, else the largest class's share."""
    measured = metric(evaluation, "baselines", "majority", "accuracy")
    if measured.value is not None:
        return measured
    supports = [number(row.get("support")) or 0.0 for row in table(evaluation, "per_class").values()]
    n = sum(supports)
    return Estimate(value=max(supports) / n, n=int(n)) if n else NOTHING


def mix_ups(evaluation: Evaluation, *, at_most: int) -> tuple[MixUp, ...]:
    """Return the commonest wrong answers of the confusion table, most frequent first."""
    classes = [str(name) for name in evaluation.get("classes") or ()]
    found = []
    for truth, row in zip(classes, evaluation.get("confusion") or (), strict=False):
        support = int(sum(row))
        found += [
            MixUp(truth=truth, answer=answer, count=int(cell), support=support)
            for answer, cell in zip(classes, row, strict=False)
            if answer != truth and cell
        ]
    return tuple(sorted(found, key=lambda one: -one.count)[:at_most])


def wilson(share: float, n: int) -> tuple[float, float]:
    """Return the 95% Wilson score interval of a share of `n` independent rows."""
    center = (share + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
    half = _Z95 / (1 + _Z95**2 / n) * math.sqrt(share * (1 - share) / n + _Z95**2 / (4 * n * n))
    return max(0.0, center - half), min(1.0, center + half)
