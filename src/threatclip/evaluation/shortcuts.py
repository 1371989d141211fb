"""How much of a score rests on shortcuts: what is lost when a probe takes them away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from threatclip.errors import InputError
from threatclip.evaluation.intervals import LEVEL, N_RESAMPLES, Metric, Statistic, bootstrap
from threatclip.evaluation.metrics import macro_f1
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.weighting import Values, Weights

SHORTCUT_PROBES = ("no_headers", "values_only", "template_swap", "marker_swap")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortcutReport:
    """The shortcut score, the drop of every probe in it, and the worst one; fractions of macro-F1, lower is better."""

    score: Metric
    drops: Mapping[str, Metric]
    worst_probe: str

    @property
    def worst(self) -> Metric:
        """Drop of the worst probe."""
        return self.drops[self.worst_probe]

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "score": self.score.as_dict(),
            "drops": {name: drop.as_dict() for name, drop in self.drops.items()},
            "worst_probe": self.worst_probe,
            "worst": self.worst.as_dict(),
        }


def shortcut_score(
    full: Predictions,
    probed: Mapping[str, Predictions],
    *,
    probes: Sequence[str] = SHORTCUT_PROBES,
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> ShortcutReport:
    """Return S = mean over probes of (macro-F1 of the full views - macro-F1 of the probed views).

    The intervals are paired: full and probed views of a row are resampled together. A probe on which the model was
    trained measures nothing any more; publish S with and without it by way of `probes`.

    Args:
        full: predictions on the views as they are.
        probed: predictions on the same rows under each probe; others than `probes` are ignored.
        probes: which ones the mean runs over.
        rng: the source of the bootstrap's draws.
        n_resamples: number of bootstrap draws.
        level: coverage of the intervals.

    Raises:
        InputError: a probe is missing, or is not about the same rows.
    """
    missing = [name for name in probes if name not in probed]
    if missing or not probes:
        raise InputError(f"the shortcut score needs predictions under {list(probes)}; missing: {missing}")
    for name in probes:
        if probed[name].ids != full.ids or not np.array_equal(probed[name].truth, full.truth):
            raise InputError(f"the predictions under probe {name!r} are not about the same rows as the full ones")
    rows = full.labeled()
    statistics: dict[str, Statistic] = {f"drop/{name}": _drop(rows, probed[name].labeled()) for name in probes}
    statistics["score"] = _mean_of([statistics[f"drop/{name}"] for name in probes])
    intervals = bootstrap(statistics, groups=rows.groups, rng=rng, n_resamples=n_resamples, level=level)
    drops = {name: intervals[f"drop/{name}"].metric() for name in probes}
    return ShortcutReport(
        score=intervals["score"].metric(), drops=drops, worst_probe=max(probes, key=lambda name: drops[name].value)
    )


def _drop(full: Predictions, probed: Predictions) -> Callable[[Weights], Values]:
    def statistic(weights: Weights) -> Values:
        return np.asarray(macro_f1(full, weights=weights) - macro_f1(probed, weights=weights))

    return statistic


def _mean_of(statistics: Sequence[Statistic]) -> Statistic:
    def statistic(weights: Weights) -> Values:
        return np.asarray(np.mean([one(weights) for one in statistics], axis=0))

    return statistic
