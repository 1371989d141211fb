"""A linear model of groups that gives reports and techniques an effect of their own, so that words need not learn them.

Sentences of one report share its topic and its author; sentences on one technique share its terms. A plain classifier
takes both for the group's own. Here every report and every technique has a random effect beside the words, as in the
mixed models of statistics [Henderson 1975]: what a report or a technique explains is taken from the words, and only
the words are read when a new sentence is scored. It is the linear counterpart of drawing a group's positive pairs from
different reports only, and its negatives from the same technique.

One system of linear equations gives all groups at once [Saunders 1998, kernel ridge]:
(K_words + r K_reports + t K_techniques + b 1 1' + D) A = Y, D diagonal; W = X' A.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import linalg, sparse
from sklearn.preprocessing import normalize

from threatclip.checks import not_negative, positive
from threatclip.classification.linear import LinearHead
from threatclip.classification.ngrams import NgramSettings, NgramVectors, fit_vectors
from threatclip.errors import InputError
from threatclip.experiments.attribution.rows import AttackRow

WORDS = NgramSettings(kind="word", min_n=1, max_n=2, min_df=2)
_JITTER = 1e-4
_MOST_WEIGHT = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedSettings:
    """Variances of the effects, against 1 for the words'; `noise` is that of a single sentence."""

    features: float = 0.3  # of the sentence's vector; 0 leaves the text encoder out
    reports: float = 0.1
    techniques: float = 0.1
    bias: float = 1.0
    noise: float = 0.3
    support_weight: float = 1.0  # of a row of software or a campaign, against 1 for a group's own
    balance: float = 0.5  # rows count by (size of their group)^-this; 1 is balanced

    def __post_init__(self) -> None:
        not_negative(self, "features", "reports", "techniques", "bias", "balance")
        positive(self, "noise", "support_weight")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whitening:
    """Vectors as they are compared: centered, every direction of much variance turned down, of length 1."""

    center: Float[np.ndarray, " d"]
    turn: Float[np.ndarray, "d d"]

    def __call__(self, features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Return unit rows."""
        return np.asarray(normalize((features - self.center) @ self.turn), dtype=np.float32)


def fit_whitening(features: Float[np.ndarray, "n d"], *, kept: float = 0.3) -> Whitening:
    """Return the whitening of training vectors; `kept` of the mean variance is added to that of every direction."""
    center = features.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((features - center).T) + _JITTER * np.eye(features.shape[1]))
    turn = vectors @ np.diag(1.0 / np.sqrt(values + kept * values.mean())) @ vectors.T
    return Whitening(center=center.astype(np.float32), turn=turn.astype(np.float32))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixedModel:
    """What is left of the model for a new sentence: weights of its words and of its vector, and a bias."""

    vectors: NgramVectors
    words: LinearHead
    whitening: Whitening
    features: Float[np.ndarray, "c d"]

    def counted(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return the weighed words of sentences, unit rows [n, v]."""
        return self.vectors.transform(_views(texts)).astype(np.float32)

    def scores(self, texts: Sequence[str], features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """Return one score a group for every sentence; its words and its vector, no report and no technique."""
        words = self.words.scores(self.counted(texts))
        return np.asarray(words + self.whitening(features) @ self.features.T, dtype=np.float64)


def fit_mixed(
    rows: Sequence[AttackRow],
    targets: Float[np.ndarray, "n c"],
    features: Float[np.ndarray, "n d"],
    *,
    settings: MixedSettings,
) -> MixedModel:
    """Fit all groups at once.

    Args:
        rows: to learn from; rows of software and campaigns count `support_weight`.
        targets: by row, its share in each group; a row of software that k groups use has 1/k in each of them.
        features: pooled output of a frozen text encoder, by row.
        settings: the variances.

    Raises:
        InputError: shapes disagree, or the equations have no solution in single precision.
    """
    if len(rows) != len(targets) or len(rows) != len(features):
        raise InputError(f"{len(rows)} rows have {len(targets)} targets and {len(features)} vectors")
    vectors, words = fit_vectors(_views([row.text for row in rows]), settings=WORDS)
    words = words.astype(np.float32)
    whitening = fit_whitening(features)
    turned = whitening(features)
    kernel = (words @ words.T).toarray() + settings.features * (turned @ turned.T) + settings.bias
    kernel += settings.reports * _shared([tuple(row.reports) for row in rows])
    kernel += settings.techniques * _shared([(row.technique,) for row in rows])
    kernel[np.diag_indices(len(rows))] += settings.noise / _weights(rows, targets, settings) + _JITTER
    try:
        factor = linalg.cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
    except linalg.LinAlgError as error:
        raise InputError(f"the equations of {len(rows)} rows have no solution ({error}); raise the noise") from error
    solution = linalg.cho_solve(factor, targets.astype(np.float32), check_finite=False)
    head = LinearHead(
        weight=np.ascontiguousarray((words.T @ solution).T, dtype=np.float32),
        bias=(settings.bias * solution.sum(axis=0)).astype(np.float32),
    )
    own = np.ascontiguousarray((settings.features * turned.T @ solution).T, dtype=np.float32)
    return MixedModel(vectors=vectors, words=head, whitening=whitening, features=own)


def _weights(rows: Sequence[AttackRow], targets: np.ndarray, settings: MixedSettings) -> np.ndarray:
    """Return what each row counts, 1 on average; no more than four times that, whoever is rare."""
    sizes = np.maximum(targets.sum(axis=0), 1.0)
    balance = (targets * sizes**-settings.balance).sum(axis=1) / np.maximum(targets.sum(axis=1), _JITTER)
    kinds = np.array([1.0 if row.kind == "group" else settings.support_weight for row in rows])
    return np.asarray(np.clip(kinds * balance / balance.mean(), _JITTER, _MOST_WEIGHT))


def _shared(names: Sequence[tuple[str, ...]]) -> np.ndarray:
    """Return the cosine of what rows share, float32 [n, n]: 1 for rows of one and the same report."""
    place = {name: number for number, name in enumerate(sorted({one for own in names for one in own}))}
    owners = [number for number, own in enumerate(names) for _ in own]
    columns = [place[name] for own in names for name in own]
    member = sparse.csr_matrix((np.ones(len(owners), np.float32), (owners, columns)), shape=(len(names), len(place)))
    unit = normalize(member)
    return np.asarray((unit @ unit.T).toarray(), dtype=np.float32)


def _views(texts: Sequence[str]) -> list[bytes]:
    return [text.encode() for text in texts]
