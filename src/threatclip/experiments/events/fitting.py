"""Fitting an event model: costs, weights, temperatures and thresholds are chosen on folds that no head has seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from threatclip.classification.abstention import Abstention, fit_abstention
from threatclip.classification.calibration import fit_temperature, mean_nll
from threatclip.classification.fusion import LogLinearPool, fit_pool
from threatclip.classification.linear import LinearHead
from threatclip.classification.scores import log_softmax
from threatclip.errors import InputError
from threatclip.experiments.events.features import HALVES, PICTURE, WORDS, PostFeatures
from threatclip.experiments.events.heads import NEIGHBORS, Heads, fit_heads
from threatclip.experiments.events.model import BOTH, WAYS, EventModel
from threatclip.experiments.events.posts import folds_of
from threatclip.experiments.events.recipe import Answer
from threatclip.seeds import rng

_TAKEN_AWAY = {BOTH: None, PICTURE: WORDS, WORDS: PICTURE}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labeled:
    """Features of posts, their class numbers, and which must not be torn apart."""

    rows: PostFeatures
    labels: np.ndarray
    clusters: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: np.ndarray) -> Labeled:
        """Return some posts."""
        return Labeled(rows=self.rows.take(index), labels=self.labels[index], clusters=self.clusters[index])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a fit needs to know beside the posts."""

    answer: Answer
    n_classes: int
    n_folds: int  # inner ones
    ngrams: bool
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutOfFold:
    """What models made of posts that they had not seen.

    Attributes:
        probabilities: way -> [n, c]: "both" as the posts came, "picture" and "words" with the other half taken away;
            and the names of `also`, with "NAME_picture" for their pictures alone.
        answered: whether each post as it came was answered, bool [n].
    """

    probabilities: Mapping[str, np.ndarray]
    answered: np.ndarray


def fit_model(posts: Labeled, plan: Plan) -> EventModel:
    """Fit a model on posts; everything that is chosen is chosen on inner folds.

    Raises:
        InputError: too few posts of two classes.
    """
    held, costs = _held_scores(posts, plan)
    pools: dict[str, LogLinearPool] = {}
    abstentions: dict[str, Abstention] = {}
    there = {PICTURE: posts.rows.has_picture, WORDS: posts.rows.has_words}
    there[BOTH] = there[PICTURE] & there[WORDS]
    for way, members in WAYS.items():
        scores = held[way]
        here = there[way] & np.all([np.isfinite(scores[name]).all(axis=1) for name in members], axis=0)
        if len(np.unique(posts.labels[here])) < 2:
            continue
        heard = {name: scores[name][here] for name in members}
        pools[way] = fit_pool(heard, posts.labels[here], l2=plan.answer.pull)
        probabilities = pools[way].probabilities(heard)
        right = probabilities.argmax(axis=1) == posts.labels[here]
        abstentions[way] = fit_abstention(probabilities.max(axis=1), right, target=plan.answer.precision)
    if not pools:
        raise InputError("no half of the posts has two classes in every fold; give more posts")
    heads, _ = _fit(posts, plan, costs={half: (cost,) for half, cost in costs.items()}, stream="final")
    shares = np.bincount(posts.labels, minlength=plan.n_classes) / len(posts)
    return EventModel(heads=heads, pools=pools, abstentions=abstentions, shares=shares)


def out_of_fold(
    posts: Labeled,
    plan: Plan,
    *,
    n_folds: int,
    also: Mapping[str, PostFeatures] = MappingProxyType({}),
    on_fold: Callable[[int, int], None] = lambda *_: None,
) -> OutOfFold:
    """Judge every post by a model that saw none of its fold; each model is fitted whole, inner folds and all.

    Args:
        posts: all of them.
        plan: how each model is fitted.
        n_folds: outer folds.
        also: the same posts as somebody changed them: name -> features, judged by the same models.
        on_fold: told (folds done, folds in all).
    """
    names = [*WAYS, *(f"{name}{end}" for name in also for end in ("", f"_{PICTURE}"))]
    found = {name: np.zeros((len(posts), plan.n_classes)) for name in names}
    answered = np.zeros(len(posts), dtype=bool)
    folds = folds_of(posts.labels, posts.clusters, n_folds=n_folds, seed=plan.seed, stream="events/folds")
    for number, (learned, judged) in enumerate(folds, start=1):
        model = fit_model(posts.take(learned), plan)
        rows = posts.rows.take(judged)
        for way, half in _TAKEN_AWAY.items():
            found[way][judged] = model.probabilities(rows if half is None else rows.without(half))
        for name, changed in also.items():
            shown = changed.take(judged)
            found[name][judged] = model.probabilities(shown)
            found[f"{name}_{PICTURE}"][judged] = model.probabilities(shown.without(WORDS))
        answered[judged] = model.answers(rows, found[BOTH][judged])
        on_fold(number, len(folds))
    return OutOfFold(probabilities=found, answered=answered)


def _held_scores(posts: Labeled, plan: Plan) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, float]]:
    """Return {way: {head: scores [n, c]}} on inner folds for the best costs, and these costs."""
    shape = (len(posts), plan.n_classes)
    costs = plan.answer.costs
    linear = {half: {cost: np.full(shape, np.nan) for cost in costs} for half in HALVES}
    votes = {way: np.full(shape, np.nan) for way in WAYS}
    folds = folds_of(posts.labels, posts.clusters, n_folds=plan.n_folds, seed=plan.seed, stream="events/inner")
    for number, (learned, judged) in enumerate(folds):
        every = dict.fromkeys(HALVES, costs)
        heads, by_cost = _fit(posts.take(learned), plan, costs=every, stream=f"inner/{number}")
        rows = posts.rows.take(judged)
        for way, half in _TAKEN_AWAY.items():
            shown = rows if half is None else rows.without(half)
            votes[way][judged] = heads.votes(shown)
        for half, found in by_cost.items():
            inputs = heads.inputs(half, rows)
            for cost, head in found.items():
                linear[half][cost][judged] = head.scores(inputs)
    there = {PICTURE: posts.rows.has_picture, WORDS: posts.rows.has_words}
    best = {half: _best(linear[half], posts.labels, there[half], costs) for half in HALVES}
    held = {
        way: {name: votes[way] if name == NEIGHBORS else linear[name][best[name]] for name in members}
        for way, members in WAYS.items()
    }
    return held, best


def _best(scores: Mapping[float, np.ndarray], labels: np.ndarray, there: np.ndarray, costs: Sequence[float]) -> float:
    """Return the cost of least calibrated negative log-likelihood; the first where there is nothing to tell."""
    loss = {}
    for cost, one in scores.items():
        here = there & np.isfinite(one).all(axis=1)
        if not here.any():
            return costs[0]
        temperature = fit_temperature(one[here], labels[here]).value
        loss[cost] = mean_nll(log_softmax(one[here] / temperature), labels[here])
    return min(loss, key=lambda cost: loss[cost])


def _fit(
    posts: Labeled, plan: Plan, *, costs: Mapping[str, Sequence[float]], stream: str
) -> tuple[Heads, dict[str, dict[float, LinearHead]]]:
    return fit_heads(
        posts.rows,
        posts.labels,
        plan.answer,
        n_classes=plan.n_classes,
        ngrams=plan.ngrams,
        costs=costs,
        rng=rng(plan.seed, f"events/{stream}"),
    )
