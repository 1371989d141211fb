"""Hit@K and MinRank: do the words of class A find what the attacker chose [Yang 2023, section 4.1].

A query is the vector of a text about class A, the gallery holds the vectors of all test views, and the targets are
one view (attack I) or every test view of class B (attacks II and III). Turned around, a triggered view queries a
gallery of captions. Three rows belong into every table: the attacked model; the random-query baseline, which asks the
SAME model with texts drawn from the whole test set; and the clean model asked with the same queries. (The paper calls
its baseline by both names and prints one row.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from threatclip.errors import InputError
from threatclip.evaluation.interfaces import unit_rows
from threatclip.evaluation.intervals import LEVEL, N_RESAMPLES, Metric, Statistic, bootstrap
from threatclip.evaluation.weighting import Values, Weights, mean, weights_or_ones

KS = (1, 5, 10)
_CHUNK_SCORES = 2**22  # cosines at a time: 16 MB in float32, whatever the gallery


def min_ranks(
    queries: Float[np.ndarray, "q d"], gallery: Float[np.ndarray, "g d"], targets: Bool[np.ndarray, " g"]
) -> Int[np.ndarray, " q"]:
    """0-based position of the best target in each query's ranking of the gallery; 0 is the first place.

    minrank(t) = min over targets y of the position of y in argsort_desc(cos(t, gallery)) [Yang 2023, section 4.1].
    A view that is no target and as similar as the best target stands before it.

    Raises:
        InputError: no target, shapes that do not fit, or vectors that are not finite.
    """
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1:] != gallery.shape[1:] or not len(queries):
        raise InputError(f"queries of shape {queries.shape} cannot rank a gallery of shape {gallery.shape}")
    if targets.shape != gallery.shape[:1] or not targets.any():
        raise InputError(f"{int(targets.sum())} targets in {targets.shape} for a gallery of {len(gallery)}; name one")
    ours, theirs = unit_rows(queries), unit_rows(gallery)
    ranks = np.empty(len(ours), dtype=np.int64)
    step = max(1, _CHUNK_SCORES // len(theirs))
    for start in range(0, len(ours), step):
        cosines = ours[start : start + step] @ theirs.T
        best = cosines[:, targets].max(axis=1, keepdims=True)
        ranks[start : start + step] = (cosines[:, ~targets] >= best).sum(axis=1)
    return ranks


def hit_at_k(ranks: Int[np.ndarray, " q"], *, k: int, weights: Weights | None = None) -> Values:
    """Hit@K = share of queries with MinRank < K: a target stands among the first K.

    Raises:
        InputError: k < 1.
    """
    if k < 1:
        raise InputError(f"Hit@{k} looks at no place; K starts at 1")
    return mean(ranks < k, weights_or_ones(len(ranks), weights))


def mean_min_rank(ranks: Int[np.ndarray, " q"], *, weights: Weights | None = None) -> Values:
    """MinRank, the mean over queries of the 0-based place of the best target."""
    return mean(ranks, weights_or_ones(len(ranks), weights))


def median_min_rank(ranks: Int[np.ndarray, " q"], *, weights: Weights | None = None) -> Values:
    """Median over queries of the 0-based place of the best target; the mean of both middle ones where they are two."""
    weights = weights_or_ones(len(ranks), weights)
    order = np.argsort(ranks, kind="stable")
    reached = np.cumsum(weights[..., order], axis=-1)
    half = reached[..., -1:] / 2
    lower, upper = (np.argmax(past, axis=-1) for past in (reached >= half, reached > half))
    return np.asarray((ranks[order][lower] + ranks[order][upper]) / 2)


def random_queries(n_texts: int, *, n_queries: int, rng: np.random.Generator) -> Int[np.ndarray, " q"]:
    """Return which texts of the whole test set the random-query baseline asks with: as many as the attack's queries.

    Drawn without replacement; with more queries than texts, each text is drawn equally often but for a remainder.

    Raises:
        InputError: there is no text.
    """
    if n_texts < 1 or n_queries < 1:
        raise InputError(f"{n_queries} random queries cannot be drawn from {n_texts} texts")
    rounds = [rng.permutation(n_texts) for _ in range(-(-n_queries // n_texts))]
    return np.concatenate(rounds)[:n_queries]


def judge_targeted(
    ranks: Int[np.ndarray, " q"],
    *,
    groups: Shaped[np.ndarray, " q"],
    rng: np.random.Generator,
    clean: Int[np.ndarray, " q"] | None = None,
    ks: Sequence[int] = KS,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> dict[str, Metric]:
    """Return `hit_<k>`, `min_rank` (mean) and `min_rank_median` of one set of queries, with intervals over groups.

    With `clean`, the ranks of the same queries by the clean model, also the paired differences attacked - clean:
    `hit_<k>_over_clean` and `min_rank_over_clean` (negative where the attack works). The captions of one picture are
    one group.

    Raises:
        InputError: ranks and groups (or clean ranks) are not of the same queries.
    """
    if len(groups) != len(ranks) or (clean is not None and clean.shape != ranks.shape):
        raise InputError(f"{len(ranks)} ranks, {len(groups)} groups and the clean ranks are not of the same queries")
    statistics = _figures(ranks, ks)
    if clean is not None:
        before = _figures(clean, ks)
        paired = [name for name in statistics if name != "min_rank_median"]
        statistics |= {f"{name}_over_clean": partial(_difference, statistics[name], before[name]) for name in paired}
    intervals = bootstrap(statistics, groups=groups, rng=rng, n_resamples=n_resamples, level=level)
    return {name: interval.metric() for name, interval in intervals.items()}


def _figures(ranks: Int[np.ndarray, " q"], ks: Sequence[int]) -> dict[str, Statistic]:
    return {
        **{f"hit_{k}": partial(_weighed, partial(hit_at_k, ranks, k=k)) for k in ks},
        "min_rank": partial(_weighed, partial(mean_min_rank, ranks)),
        "min_rank_median": partial(_weighed, partial(median_min_rank, ranks)),
    }


def _weighed(metric: Callable[..., Values], weights: Weights) -> Values:
    return metric(weights=weights)


def _difference(first: Statistic, second: Statistic, weights: Weights) -> Values:
    return np.asarray(first(weights) - second(weights))
