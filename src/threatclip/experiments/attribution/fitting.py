"""From a split to a group model: members on its training rows, everything else on report-held-out splits of these.

Nothing here reads a test row but its list of reports, which says what must not be learned from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import minimize

from threatclip.checks import at_least, check, fraction, not_negative
from threatclip.classification.abstention import fit_abstention
from threatclip.classification.fusion import LogLinearPool, fit_pool
from threatclip.classification.scores import spread
from threatclip.evaluation.predictions import UNLABELED
from threatclip.experiments.attribution.contrast import ContrastSettings, fit_contrast
from threatclip.experiments.attribution.documents import CHARS, WORDS, DocumentSettings, fit_documents
from threatclip.experiments.attribution.model import Doubt, GroupModel, Judge, Members, leads
from threatclip.experiments.attribution.nearest import fit_nearest
from threatclip.experiments.attribution.profiles import group_profiles
from threatclip.experiments.attribution.rows import AttackRow, AttackRows, citing_none, counts_by_group
from threatclip.experiments.attribution.scaling import fit_scale
from threatclip.experiments.attribution.splits import GroupSplit, inner_split
from threatclip.experiments.attribution.techniques import fit_techniques
from threatclip.experiments.attribution.whitening import fit_whitening
from threatclip.seeds import rng, stream_seed

Embed = Callable[[Sequence[str]], np.ndarray]
"""From texts to the pooled output of the frozen text encoder, float32 [n, w]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """How a group model is fitted."""

    documents: DocumentSettings = field(default_factory=DocumentSettings)
    contrast: ContrastSettings = field(default_factory=ContrastSettings)
    max_users: int = 6  # software that more groups use tells of none of them
    inner_splits: int = 6
    unseen: float = 0.25  # share of the groups that each inner split holds out whole: the unknown
    pull: float = 0.1  # of the members' weights towards equal ones, in nats
    precision: float = 0.7  # that named groups must have on the inner splits
    level: float | None = None  # confidence of the lower bound that has to reach it; None: the plain share

    def __post_init__(self) -> None:
        at_least(self, 1, "max_users", "inner_splits")
        fraction(self, "unseen")
        not_negative(self, "pull")
        check("precision", self.precision, 0 < self.precision <= 1, "in (0, 1]")
        check("level", self.level, self.level is None or 0 < self.level < 1, "in (0, 1)")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench:
    """What every fit of one experiment shares."""

    rows: AttackRows
    embed: Embed
    settings: ModelSettings
    seed: int


def fit_group_model(split: GroupSplit, bench: Bench) -> GroupModel:
    """Choose the judge on inner splits, then fit the members on all training rows.

    Raises:
        InputError: the training rows cannot be split once more.
    """
    return GroupModel(
        members=fit_members(split.train, split.groups, without=split.held_out, bench=bench),
        judge=fit_judge(split, bench),
    )


def fit_members(train: Sequence[AttackRow], groups: Sequence[str], *, without: frozenset[str], bench: Bench) -> Members:
    """Fit all members on `train` and on what supports it.

    Args:
        train: rows of groups.
        groups: the candidates; one without a row in `train` is not learned, and its support is left out.
        without: reports that nothing may cite.
        bench: what is shared.
    """
    learned, targets = _targets(train, groups, without=without, bench=bench)
    texts = [row.text for row in learned]
    words, chars = (
        fit_documents(texts, targets, terms=terms, settings=bench.settings.documents) for terms in (WORDS, CHARS)
    )
    features = bench.embed(texts)
    whitening = fit_whitening(features)
    vectors = whitening(features)
    members = Members(
        groups=tuple(groups),
        words=words,
        chars=chars,
        whitening=whitening,
        nearest=fit_nearest(targets, vectors),
        contrast=fit_contrast(
            learned,
            targets,
            features,
            _profile_features(train, groups, without=without, bench=bench),
            settings=bench.settings.contrast,
            seed=stream_seed(bench.seed, "attribution/contrast"),
        ),
        evidence=fit_techniques(learned, targets, vectors),
        scales={},
    )
    n_own = len(train)  # sentences of groups come first; those of software are another kind of text
    raw = members.raw_scores(texts[:n_own], features[:n_own])
    return replace(members, scales={name: fit_scale(scores, targets[:n_own] == 0) for name, scores in raw.items()})


def fit_judge(split: GroupSplit, bench: Bench) -> Judge:
    """Fit pool, doubt and both rules on splits of the training rows, some groups of each held out whole.

    Raises:
        InputError: the training rows cannot be split once more.
    """
    incidents: list[dict[str, np.ndarray]] = []
    sentences: list[dict[str, np.ndarray]] = []
    incident_truth: list[int] = []
    sentence_truth: list[int] = []
    place = {group: number for number, group in enumerate(split.groups)}
    for number in range(bench.settings.inner_splits):
        inner = inner_split(split.train, stream_seed(bench.seed, f"inner/{number}") % 2**31, name=split.name)
        unseen = _unseen(inner, bench, number)
        kept = [row for row in inner.train if row.group not in unseen]
        shown = sorted(counts_by_group(kept))
        columns = [place[group] for group in shown]
        members = fit_members(kept, shown, without=split.held_out | inner.held_out, bench=bench)
        texts = [row.text for row in inner.test]
        features = bench.embed(texts)
        truth = [UNLABELED if group in unseen else place[group] for group in inner.truth]
        incidents.append(_spread(members.incident_scores(texts, features, inner.incidents), columns, len(place)))
        incident_truth += dict(zip(inner.incidents, truth, strict=True)).values()
        single = [str(one) for one in range(len(texts))]
        sentences.append(_spread(members.incident_scores(texts, features, single), columns, len(place)))
        sentence_truth += truth
    return _judge(_stacked(incidents), np.array(incident_truth), _stacked(sentences), np.array(sentence_truth), bench)


def _judge(
    incidents: dict[str, np.ndarray],
    incident_truth: np.ndarray,
    sentences: dict[str, np.ndarray],
    sentence_truth: np.ndarray,
    bench: Bench,
) -> Judge:
    settings = bench.settings
    pool = fit_pool(incidents, incident_truth, l2=settings.pull)
    doubt = _fit_doubt(pool, incidents, incident_truth)
    rules = []
    for scores, truth in ((incidents, incident_truth), (sentences, sentence_truth)):
        known = pool.probabilities(scores)
        # a group that was held out can only be named wrongly
        right = known.argmax(axis=1) == truth
        rules.append(fit_abstention(leads(known), right, target=settings.precision, level=settings.level))
    return Judge(pool=pool, doubt=doubt, incident=rules[0], sentence=rules[1])


def _fit_doubt(pool: LogLinearPool, incidents: dict[str, np.ndarray], truth: np.ndarray) -> Doubt:
    """Fit the logistic curve by maximum likelihood, its slope held to be none or falling."""
    confidence = np.log(pool.probabilities(incidents).max(axis=1))
    unseen = (truth == UNLABELED).astype(np.float64)

    def loss(parameters: np.ndarray) -> float:
        logits = parameters[0] + parameters[1] * confidence
        likelihood = np.logaddexp(0.0, logits) - unseen * logits
        return float(likelihood.mean() + 1e-3 * (parameters**2).sum())

    found = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(None, None), (None, 0.0)])
    return Doubt(bias=float(found.x[0]), slope=float(found.x[1]))


def _unseen(inner: GroupSplit, bench: Bench, number: int) -> frozenset[str]:
    groups = sorted(set(inner.truth))
    count = round(bench.settings.unseen * len(groups))
    return frozenset(rng(bench.seed, f"attribution/unseen/{number}").permutation(np.array(groups))[:count].tolist())


def _targets(
    train: Sequence[AttackRow],
    groups: Sequence[str],
    *,
    without: frozenset[str],
    bench: Bench,
) -> tuple[list[AttackRow], np.ndarray]:
    """Return the rows to learn from, and by row its share in each group."""
    place = {group: number for number, group in enumerate(groups)}
    apart = citing_none((*bench.rows.of("software"), *bench.rows.of("campaign")), without)
    support = [
        row
        for row in apart
        if len(row.groups) <= bench.settings.max_users and any(group in place for group in row.groups)
    ]
    learned = [*train, *support]
    targets = np.zeros((len(learned), len(groups)))
    for number, row in enumerate(learned):
        for group in row.groups:
            if group in place:
                targets[number, place[group]] = 1.0 / len(row.groups)
    return learned, targets


def _profile_features(
    train: Sequence[AttackRow], groups: Sequence[str], *, without: frozenset[str], bench: Bench
) -> np.ndarray:
    """Return the mean unit vector of the texts of each group."""
    profiles = group_profiles(bench.rows.catalogue, groups, train=train, without=without)
    texts = [text for profile in profiles for text in profile.texts]
    owners = np.array([number for number, profile in enumerate(profiles) for _ in profile.texts])
    vectors = bench.embed(texts)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    means = np.zeros((len(groups), vectors.shape[1]), dtype=np.float32)
    np.add.at(means, owners, vectors)
    return np.asarray(means / np.bincount(owners, minlength=len(groups))[:, None], dtype=np.float32)


def _spread(scores: dict[str, np.ndarray], columns: Sequence[int], n_groups: int) -> dict[str, np.ndarray]:
    """Return scores over all groups; one that was held out whole scores as little as anything does."""
    return {
        name: spread(own, classes=columns, n_classes=n_groups, fill=float(own.min())) for name, own in scores.items()
    }


def _stacked(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
