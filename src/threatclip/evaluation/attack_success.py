"""How often a backdoor reaches its target class, on any interface that scores classes, and what it costs.

Every function takes scores [n, c] of n rows for c classes, whatever made them: cosines to class prompts, logits of a
linear head, votes of neighbors (see `interfaces`). Scores need no common scale between rows. A class that scores as
much as the one asked about ranks before it, as in `metrics.top_k`, so a model that ties everything answers nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from threatclip.errors import InputError
from threatclip.evaluation.intervals import LEVEL, N_RESAMPLES, Metric, Statistic, bootstrap
from threatclip.evaluation.weighting import Values, Weights, ratio, weights_or_ones

KS = (1, 5, 10)


def asr(
    scores: Float[np.ndarray, "n c"],
    truth: Int[np.ndarray, " n"],
    *,
    target: int,
    k: int = 1,
    weights: Weights | None = None,
) -> Values:
    """ASR@k = #{x : y(x) != target, target in top-k of trigger(x)} / #{x : y(x) != target}.

    Rows of the target class are left out, since the model is right to name it there; the code of CleanCLIP and of
    BadCLIP [Bansal 2023; Liang 2024] counts them in. NaN where no row is left.

    Args:
        scores: of the triggered views. Those that the model before poisoning gives to the same views make the floor:
            what the trigger does as a mere perturbation.
        truth: index of the true class of each row.
        target: index of the class that the attacker wants.
        k: how many answers are looked at.
        weights: row weights [..., n].

    Raises:
        InputError: no rows, k < 1, scores that are NaN, an index that is no column.
    """
    check_scores(scores, truth, k=k)
    reached = class_ranks(scores, _all(target, scores)) <= k
    return _share(reached, truth != target, weights_or_ones(len(truth), weights))


def accuracy_at_k(
    scores: Float[np.ndarray, "n c"], truth: Int[np.ndarray, " n"], *, k: int = 1, weights: Weights | None = None
) -> Values:
    """Share of rows whose true class is among the k best; over clean views, the clean accuracy @k.

    Raises:
        InputError: as `asr`.
    """
    check_scores(scores, truth, k=k)
    return _share(class_ranks(scores, truth) <= k, truth >= 0, weights_or_ones(len(truth), weights))


def poisoned_accuracy(
    scores: Float[np.ndarray, "n c"], truth: Int[np.ndarray, " n"], *, target: int, weights: Weights | None = None
) -> Values:
    """Share of triggered rows of other classes than the target that still get their true class.

    The robust accuracy of BackdoorBench [Wu 2022]. 1 - ASR@1 - this = rows that get neither.

    Raises:
        InputError: as `asr`.
    """
    check_scores(scores, truth)
    return _share(class_ranks(scores, truth) <= 1, truth != target, weights_or_ones(len(truth), weights))


def target_rank(
    scores: Float[np.ndarray, "n c"], truth: Int[np.ndarray, " n"], *, target: int, weights: Weights | None = None
) -> Values:
    """Mean rank of the target among the classes over rows of other classes; 1 is best for the attacker.

    Raises:
        InputError: as `asr`.
    """
    check_scores(scores, truth)
    ranks = class_ranks(scores, _all(target, scores))
    return _share(ranks, truth != target, weights_or_ones(len(truth), weights))


def class_ranks(scores: Float[np.ndarray, "n c"], classes: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Rank of one class of each row, 1 is best: how many classes score at least as much as it does."""
    chosen = scores[np.arange(len(scores)), classes]
    return np.asarray((scores >= chosen[:, None]).sum(axis=1))


def judge_backdoor(
    *,
    clean: Float[np.ndarray, "n c"],
    triggered: Float[np.ndarray, "n c"],
    floor: Float[np.ndarray, "n c"] | None = None,
    truth: Int[np.ndarray, " n"],
    target: int,
    groups: Shaped[np.ndarray, " n"],
    rng: np.random.Generator,
    ks: Sequence[int] = KS,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> dict[str, Metric]:
    """Return every figure of one backdoored model on one interface, all over the same resamples of groups.

    They are `clean_accuracy_<k>`, `asr_<k>`, `poisoned_accuracy` and `target_rank`; with `floor`, the scores of the
    triggered views by the model before poisoning, also `asr_floor_<k>` and the paired gain `asr_over_floor_<k>`. A k
    that is not below the number of classes is left out: there nothing can be missed. The `n` of every figure is the
    number of rows that it is a share of.

    Raises:
        InputError: matrices that are not about the same rows, no row of another class, or as `asr`.
    """
    matrices = {"clean": clean, "triggered": triggered} | ({} if floor is None else {"floor": floor})
    if any(matrix.shape != clean.shape for matrix in matrices.values()) or len(groups) != len(truth):
        shapes = {name: matrix.shape for name, matrix in matrices.items()}
        raise InputError(f"scores of {shapes} and {len(groups)} groups are not about the same rows and classes")
    for matrix in matrices.values():
        check_scores(matrix, truth)
    others = truth != target
    if not others.any():
        raise InputError(f"every row is of the target class {target}; an attack success rate needs rows of others")
    statistics = _statistics(matrices, truth, target, [k for k in ks if k < clean.shape[1]])
    intervals = bootstrap(statistics, groups=groups, rng=rng, n_resamples=n_resamples, level=level)
    sizes = {name: len(truth) if name.startswith("clean_") else int(others.sum()) for name in intervals}
    metrics = {name: interval.metric() for name, interval in intervals.items()}
    return {name: Metric(value=m.value, low=m.low, high=m.high, n=sizes[name]) for name, m in metrics.items()}


def _statistics(
    matrices: Mapping[str, Float[np.ndarray, "n c"]], truth: Int[np.ndarray, " n"], target: int, ks: Sequence[int]
) -> dict[str, Statistic]:
    """Name what is counted; ranks are found once, not once a resample."""
    others = truth != target
    ranks = {name: class_ranks(matrix, _all(target, matrix)) for name, matrix in matrices.items()}
    right = {name: class_ranks(matrix, truth) for name, matrix in matrices.items()}
    statistics: dict[str, Statistic] = {
        f"clean_accuracy_{k}": partial(_share, right["clean"] <= k, truth >= 0) for k in ks
    }
    statistics |= {f"asr_{k}": partial(_share, ranks["triggered"] <= k, others) for k in ks}
    if "floor" in matrices:
        for k in ks:
            reached, before = (1.0 * (ranks[name] <= k) for name in ("triggered", "floor"))
            statistics[f"asr_floor_{k}"] = partial(_share, before, others)
            statistics[f"asr_over_floor_{k}"] = partial(_share, reached - before, others)
    statistics["poisoned_accuracy"] = partial(_share, right["triggered"] <= 1, others)
    statistics["target_rank"] = partial(_share, ranks["triggered"], others)
    return statistics


def _share(values: Shaped[np.ndarray, " n"], rows: Bool[np.ndarray, " n"], weights: Weights) -> Values:
    """Return the weighted mean of `values` over `rows`; NaN where none of them has weight."""
    weights = weights[..., rows]
    return ratio(weights @ values[rows].astype(np.float64), weights.sum(axis=-1), empty=np.nan)


def _all(target: int, scores: Float[np.ndarray, "n c"]) -> Int[np.ndarray, " n"]:
    """Return `target` for each row.

    Raises:
        InputError: it is no column.
    """
    if not 0 <= target < scores.shape[1]:
        raise InputError(f"the target class {target} is no column of scores for {scores.shape[1]} classes")
    return np.full(len(scores), target)


def check_scores(scores: Float[np.ndarray, "n c"], truth: Int[np.ndarray, " n"], *, k: int = 1) -> None:
    """Refuse what no share can be taken of.

    Raises:
        InputError: no rows, k < 1, scores that are NaN, or truth that names no column.
    """
    if scores.ndim != 2 or truth.shape != scores.shape[:1] or not scores.size:
        raise InputError(f"scores of shape {scores.shape} and truth of {truth.shape} are not n rows over c classes")
    if k < 1:
        raise InputError(f"the top {k} answers cannot be looked at; k starts at 1")
    if truth.min() < 0 or truth.max() >= scores.shape[1]:
        raise InputError(f"truth must lie in [0, {scores.shape[1]}), found {truth.min()} to {truth.max()}")
    if np.isnan(scores).any():
        raise InputError("scores hold NaN: the model that made them has diverged")
