"""Retrieval between views and captions on a full gallery: which rank the first right item has, and what follows.

"Any hit": a query is answered at k if at least one item of its own group is among the k nearest of the gallery. Items
of one group (the five captions of a picture) are all right answers. Ties are pessimistic: a wrong item of equal
cosine counts as ranked before a right one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.special import gammaln

from threatclip.errors import InputError
from threatclip.evaluation.intervals import N_RESAMPLES, Metric, bootstrap
from threatclip.evaluation.weighting import Values, Weights, ratio

KS = (1, 5, 10)
MATCHING_POOL = 100
_CHUNK_COSINES = 2**24  # cosines held at a time: 64 MB, however large the gallery is

Groups = Shaped[np.ndarray, " n"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What became of every query.

    Attributes:
        rank: of the best right item among the gallery, 1 is first.
        others: items of other groups in the gallery.
    """

    rank: Int[np.ndarray, " n"]
    others: Int[np.ndarray, " n"]


def search(
    queries: Float[np.ndarray, "n d"],
    gallery: Float[np.ndarray, "m d"],
    query_groups: Shaped[np.ndarray, " n"],
    gallery_groups: Shaped[np.ndarray, " m"],
) -> Outcome:
    """Rank the whole gallery for every query and keep the rank of its first right item.

    Args:
        queries: unit rows.
        gallery: unit rows.
        query_groups: what each query belongs to.
        gallery_groups: what each item belongs to.

    Raises:
        InputError: shapes disagree, or a query has no item of its group in the gallery.
    """
    if len(queries) != len(query_groups) or len(gallery) != len(gallery_groups) or not len(queries):
        raise InputError(
            f"a search of {len(queries)} queries ({len(query_groups)} groups) in {len(gallery)} items "
            f"({len(gallery_groups)} groups) is not possible; give one group for each row"
        )
    own, theirs = _numbered(query_groups, gallery_groups)
    above = np.empty(len(queries), dtype=np.int64)
    step = max(1, _CHUNK_COSINES // len(gallery))
    for start in range(0, len(queries), step):
        cosines = queries[start : start + step] @ gallery.T
        right = own[start : start + step, None] == theirs[None, :]
        best = np.where(right, cosines, -np.inf).max(axis=1)
        if not np.isfinite(best).all():
            lost = query_groups[start + int(np.argmin(np.isfinite(best)))]
            raise InputError(
                f"no item of the gallery belongs to group {lost!r} of a query; give it one or leave it out"
            )
        above[start : start + step] = ((cosines >= best[:, None]) & ~right).sum(axis=1)
    others = len(gallery) - np.bincount(theirs, minlength=int(max(own.max(), theirs.max())) + 1)[own]
    return Outcome(rank=above + 1, others=others)


def recall_at_k(
    queries: Float[np.ndarray, "n d"],
    gallery: Float[np.ndarray, "m d"],
    query_groups: Shaped[np.ndarray, " n"],
    gallery_groups: Shaped[np.ndarray, " m"],
    ks: Sequence[int] = KS,
) -> dict[int, float]:
    """Return, for each k, the share of queries with at least one item of their group among the k nearest.

    Raises:
        InputError: see `search`.
    """
    rank = search(queries, gallery, query_groups, gallery_groups).rank
    return {k: float((rank <= k).mean()) for k in ks}


def chance_recall(right: Int[np.ndarray, " n"], gallery: int, *, k: int) -> Float[np.ndarray, " n"]:
    """Return for each query the recall at k of a random ranking: 1 - C(m - r, k) / C(m, k), with r right of m items."""
    return 1.0 - _none_drawn(np.full(len(right), gallery), right, min(k, gallery))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgment:
    """Vectors of distinct views and of their captions, with what each belongs to; both sides are full galleries."""

    views: Float[np.ndarray, "n d"]
    captions: Float[np.ndarray, "m d"]
    view_groups: Shaped[np.ndarray, " n"]
    caption_groups: Shaped[np.ndarray, " m"]


def matching_accuracy(judgment: Judgment, *, pool: int) -> Float[np.ndarray, " n"]:
    """Return for each view the chance to choose a caption of its own from `pool` captions, the others of other groups.

    The mean over its own captions, each alone in a pool, and over all pools of others instead of a draw of one: with b
    of N others at least as near as the own one, none of the b is in the pool with probability
    C(N - b, pool - 1) / C(N, pool - 1). A random model chooses right with probability 1 / pool.

    Raises:
        InputError: the gallery has fewer than `pool - 1` captions of other groups, or none of a view's own.
    """
    own, theirs = _numbered(judgment.view_groups, judgment.caption_groups)
    chances = np.empty(len(judgment.views))
    for row, vector in enumerate(judgment.views):
        cosines = judgment.captions @ vector
        right = theirs == own[row]
        others = np.sort(cosines[~right])
        if pool < 2 or len(others) < pool - 1 or not right.any():
            raise InputError(
                f"a pool of {pool} captions needs one of the view's own ({int(right.sum())} there) and {pool - 1} of "
                f"other groups ({len(others)} there)"
            )
        above = len(others) - np.searchsorted(others, cosines[right], side="left")
        chances[row] = _none_drawn(np.full(len(above), len(others)), above, pool - 1).mean()
    return chances


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """Metrics with intervals, the sizes of both galleries, and the pool of the matching accuracy."""

    metrics: Mapping[str, Metric]
    n_views: int
    n_captions: int
    pool: int


def retrieval_metrics(
    judgment: Judgment,
    *,
    rng: np.random.Generator,
    pool: int = MATCHING_POOL,
    n_resamples: int = N_RESAMPLES,
) -> Retrieval:
    """Return `i2t_r_1` ... `t2i_r_10` (view to caption and back) and `matching_accuracy`, with intervals over groups.

    The bootstrap draws groups of queries; the gallery stays the full one. `pool` shrinks to what the gallery has.

    Raises:
        InputError: see `search`.
    """
    scores, pool = query_scores(judgment, pool=pool)
    return Retrieval(
        metrics=mean_over_groups(scores, rng=rng, n_resamples=n_resamples),
        n_views=len(judgment.views),
        n_captions=len(judgment.captions),
        pool=pool,
    )


QueryScores = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""Metric name -> the value of every query, and the group of every query."""


def query_scores(judgment: Judgment, *, pool: int = MATCHING_POOL) -> tuple[QueryScores, int]:
    """Return each metric's value for every query, and the pool that the gallery allows."""
    sides = (judgment.views, judgment.captions, judgment.view_groups, judgment.caption_groups)
    there = search(*sides)
    back = search(sides[1], sides[0], sides[3], sides[2])
    scores = {f"i2t_r_{k}": (there.rank <= k, judgment.view_groups) for k in KS}
    scores |= {f"t2i_r_{k}": (back.rank <= k, judgment.caption_groups) for k in KS}
    pool = min(pool, int(there.others.min()) + 1)
    if pool > 1:
        scores["matching_accuracy"] = (matching_accuracy(judgment, pool=pool), judgment.view_groups)
    return scores, pool


def chance_scores(judgment: Judgment, *, pool: int) -> QueryScores:
    """Return what a random ranking scores on every query."""
    groups = (judgment.view_groups, judgment.caption_groups)
    scores: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, own, others in (("i2t", *groups), ("t2i", *groups[::-1])):
        numbers, theirs = _numbered(own, others)
        right = np.bincount(theirs, minlength=int(numbers.max()) + 1)[numbers]
        scores |= {f"{name}_r_{k}": (chance_recall(right, len(others), k=k), own) for k in KS}
    if pool > 1:
        scores["matching_accuracy"] = (np.full(len(groups[0]), 1 / pool), groups[0])
    return scores


def mean_over_groups(
    scores: QueryScores,
    *,
    minus: QueryScores | None = None,
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
) -> dict[str, Metric]:
    """Return the mean of each metric over its queries with its interval, whole groups drawn together.

    With `minus`, the paired difference to the other scores of the same queries.

    Raises:
        InputError: there are no queries, or the two are not about the same ones.
    """
    groups = np.array(sorted({group for _, owners in scores.values() for group in owners.tolist()}), dtype=object)
    number = {group: index for index, group in enumerate(groups.tolist())}
    totals, counts = (np.empty((len(groups), len(scores))) for _ in range(2))
    for column, (name, (values, owners)) in enumerate(scores.items()):
        summed = np.asarray(values, dtype=np.float64)
        if minus is not None:
            if name not in minus or not np.array_equal(minus[name][1], owners):
                raise InputError(f"a paired comparison of {name} needs the same queries on both sides")
            summed = summed - minus[name][0]
        index = np.array([number[group] for group in owners.tolist()])
        totals[:, column] = np.bincount(index, weights=summed, minlength=len(groups))
        counts[:, column] = np.bincount(index, minlength=len(groups))
    # all metrics in one product: the weights of the resamples are far larger than what they weigh
    statistic = partial(_weighted_means, totals, counts)
    found = bootstrap({"all": statistic}, groups=groups, rng=rng, n_resamples=n_resamples)["all"]
    return {
        name: Metric(**{end: float(getattr(found, end)[column]) for end in ("value", "low", "high")}, n=len(values))
        for column, (name, (values, _)) in enumerate(scores.items())
    }


def _weighted_means(totals: Float[np.ndarray, "g m"], counts: Float[np.ndarray, "g m"], weights: Weights) -> Values:
    return ratio(weights @ totals, weights @ counts, empty=np.nan)


def _numbered(first: Groups, second: Groups) -> tuple[np.ndarray, np.ndarray]:
    """Return both as integers in which equal groups have equal numbers."""
    number: dict[object, int] = {}
    return tuple(  # type: ignore[return-value]
        np.array([number.setdefault(group, len(number)) for group in groups.tolist()], dtype=np.int64)
        for groups in (first, second)
    )


def _none_drawn(items: np.ndarray, marked: np.ndarray, drawn: int) -> np.ndarray:
    """Return C(items - marked, drawn) / C(items, drawn): no marked item among `drawn` without replacement."""
    left = items - marked
    possible = left >= drawn
    safe = np.where(possible, left, drawn)
    log = gammaln(safe + 1) - gammaln(safe - drawn + 1) - gammaln(items + 1) + gammaln(items - drawn + 1)
    return np.where(possible, np.exp(log), 0.0)
