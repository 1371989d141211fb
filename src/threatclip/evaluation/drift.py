"""How far poisoning moves what each tower says of clean inputs [Yang 2023, section 4.2.2]."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from jaxtyping import Float, Shaped

from threatclip.errors import InputError
from threatclip.evaluation.intervals import LEVEL, N_RESAMPLES, Metric, Statistic, bootstrap
from threatclip.evaluation.weighting import Values, Weights, mean


def cosine_distances(first: Float[np.ndarray, "n d"], second: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
    """1 - cos of each row with its partner, in [0, 2].

    Between the clean and the poisoned model's vectors of one sample it is the drift of that sample; it means something
    only where both models set out from the same weights, since two spaces may differ by a rotation alone. Between the
    view and the caption of one pair it is what the relevance filter looks at.

    Raises:
        InputError: shapes differ, or a vector is zero or not finite.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise InputError(f"vectors of shapes {first.shape} and {second.shape} have no row by row distance")
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise InputError("some vectors are zero or not finite: the model that made them has diverged")
    cosines = np.einsum("nd,nd->n", first, second, dtype=np.float64) / lengths
    return np.asarray(1 - np.clip(cosines, -1, 1))


def judge_drift(
    models: Mapping[str, tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n d"]]],
    *,
    groups: Shaped[np.ndarray, " n"],
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> dict[str, Metric]:
    """Return the mean drift of each modality and the paired difference of every two.

    Args:
        models: by modality ("view", "caption") the vectors of the same n pairs by the clean and the poisoned model.
        groups: what is resampled together.
        rng: the source of the bootstrap's draws.
        n_resamples: number of bootstrap draws.
        level: coverage of the intervals.

    Returns:
        `drift_<modality>`, and `drift_<first>_over_<second>` in the order given: above 0 where the first moved more.

    Raises:
        InputError: as `cosine_distances`, or modalities of different rows.
    """
    drifts = {name: cosine_distances(clean, poisoned) for name, (clean, poisoned) in models.items()}
    if any(len(drift) != len(groups) for drift in drifts.values()):
        raise InputError(
            f"drifts of {[len(drift) for drift in drifts.values()]} rows do not go with {len(groups)} groups"
        )
    statistics: dict[str, Statistic] = {f"drift_{name}": partial(_mean, drift) for name, drift in drifts.items()}
    names = list(drifts)
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            statistics[f"drift_{one}_over_{other}"] = partial(_mean, drifts[one] - drifts[other])
    intervals = bootstrap(statistics, groups=groups, rng=rng, n_resamples=n_resamples, level=level)
    return {name: interval.metric() for name, interval in intervals.items()}


def _mean(values: Float[np.ndarray, " n"], weights: Weights) -> Values:
    return mean(values, weights)
