"""A technique model: members in one space, joined and calibrated on sentences that none of them has seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from threatclip.classification.abstention import Abstention, fit_abstention
from threatclip.classification.fusion import LogLinearPool, fit_pool
from threatclip.encoders.towers import Tower
from threatclip.experiments.rows import Rows
from threatclip.experiments.technique.members import Members, fit_members
from threatclip.experiments.technique.recipe import Answer
from threatclip.experiments.technique.rows import Techniques
from threatclip.experiments.technique.space import vectors

Parts = Sequence[tuple[np.ndarray, np.ndarray]]
"""Rows to learn from and rows to be asked, of every inner fold."""
MakeTower = Callable[[Rows], Tower]
"""Returns the tower of a model that learns from some rows, and from no others."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TechniqueModel:
    """From sentences to probabilities.

    `technique` and `parent` say when a technique, or at least its parent, is sure enough to be named.
    """

    techniques: Techniques
    tower: Tower
    members: Members
    pool: LogLinearPool
    technique: Abstention
    parent: Abstention

    def member_scores(self, texts: Sequence[bytes], *, cached: bool = False) -> dict[str, np.ndarray]:
        """Return the scores [n, c] of every member."""
        return self.members.scores(texts, vectors(self.tower, texts, cached=cached))

    def probabilities(self, texts: Sequence[bytes], *, cached: bool = False) -> np.ndarray:
        """Return calibrated probabilities [n, c] of techniques."""
        if not texts:
            return np.zeros((0, len(self.techniques.all)))
        return self.pool.probabilities(self.member_scores(texts, cached=cached))


def family_probabilities(probabilities: np.ndarray, techniques: Techniques) -> np.ndarray:
    """Return the probability [n, f] of each family: of the parent and all its sub-techniques together."""
    found = np.zeros((len(probabilities), len(techniques.families)))
    for number in range(len(techniques.families)):
        found[:, number] = probabilities[:, techniques.family_of == number].sum(axis=1)
    return found


def fit_model(
    rows: Rows,
    techniques: Techniques,
    answer: Answer,
    *,
    inner: Parts,
    make_tower: MakeTower,
    seed: int,
    on_held_out: Callable[[np.ndarray], object] | None = None,
) -> TechniqueModel:
    """Fit members on the learned rows of every inner fold, pool and thresholds on the asked, then members on all rows.

    Args:
        rows: labeled sentences.
        techniques: their catalogue.
        answer: which members, and how they are joined.
        inner: folds of `rows`.
        make_tower: makes the tower of each fit.
        seed: of the fits.
        on_held_out: told what the pool makes of the asked rows of all inner folds, in order [n, c].

    Raises:
        InputError: no rows to calibrate on, or fewer than two techniques.
    """
    scores: list[dict[str, np.ndarray]] = []
    truth: list[np.ndarray] = []
    for learned, asked in inner:
        members, tower = _fitted(rows.take(learned), techniques, answer, make_tower=make_tower, seed=seed)
        held_out = rows.take(asked)
        scores.append(members.scores(held_out.views, vectors(tower, held_out.views, cached=True)))
        truth.append(held_out.labels)
    joined: dict[str, np.ndarray] = {name: np.concatenate([one[name] for one in scores]) for name in answer.members}
    labels = np.concatenate(truth)
    pool = fit_pool(joined, labels, l2=answer.pull)
    probabilities = pool.probabilities(joined)
    if on_held_out is not None:
        on_held_out(probabilities)
    families = family_probabilities(probabilities, techniques)
    members, tower = _fitted(rows, techniques, answer, make_tower=make_tower, seed=seed)
    return TechniqueModel(
        techniques=techniques,
        tower=tower,
        members=members,
        pool=pool,
        technique=_rule(probabilities, labels, answer),
        parent=_rule(families, techniques.family_of[labels], answer),
    )


def _fitted(
    rows: Rows, techniques: Techniques, answer: Answer, *, make_tower: MakeTower, seed: int
) -> tuple[Members, Tower]:
    tower = make_tower(rows)
    z = vectors(tower, rows.views, cached=True)
    captions = [text.encode() for one in techniques.all for text in one.captions]
    sentences = [text.encode() for one in techniques.all for text in one.sentences]
    described = (vectors(tower, captions, cached=True), vectors(tower, sentences, cached=True))
    return fit_members(rows, techniques, answer, z=z, described=described, seed=seed), tower


def _rule(probabilities: np.ndarray, labels: np.ndarray, answer: Answer) -> Abstention:
    return fit_abstention(
        probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, target=answer.precision, level=0.9
    )
