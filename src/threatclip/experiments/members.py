"""The members of an answer: each scores every class; a log-linear pool fitted on validation speaks for all.

Vector members read the payload tower's unit vector: the nearest generic anchor (the paper's "semantic retrieval"), a
linear head, the nearest known payloads. N-gram members read the payload itself with its URL encoding undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from threatclip.classification.heads import AnchorHead, NeighborHead
from threatclip.classification.linear import LinearHead, LinearSettings, fit_linear
from threatclip.classification.ngrams import WORD_NGRAMS, NgramClassifier, fit_ngrams
from threatclip.experiments.recipe import Answer, Views
from threatclip.experiments.rows import Rows
from threatclip.experiments.views import in_random_frame, with_noise
from threatclip.pairs.http import unquoted
from threatclip.seeds import rng

VECTOR_MEMBERS = ("anchors", "linear", "neighbors")
_NGRAM_LINEAR = {"ngrams": "svc", "ngrams_nb": "nbsvm"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Members:
    """Fitted members by name."""

    anchors: AnchorHead | None = None
    linear: LinearHead | None = None
    neighbors: NeighborHead | None = None
    ngrams: NgramClassifier | None = None
    ngrams_nb: NgramClassifier | None = None
    _read_alike: bool = field(init=False, repr=False)  # by both n-gram members: one reading serves both

    def __post_init__(self) -> None:
        first, second = self.ngrams, self.ngrams_nb
        object.__setattr__(self, "_read_alike", first is not None and second is not None and first.reads_as(second))

    def ngram_features(self, views: Sequence[bytes]) -> dict[str, sparse.csr_matrix]:
        """Return the features [n, t] that each fitted n-gram member reads of payloads, by its name."""
        fitted = {name: getattr(self, name) for name in _NGRAM_LINEAR if getattr(self, name) is not None}
        plain = [unquoted(view) for view in views] if fitted else []
        found: dict[str, sparse.csr_matrix] = {}
        for name, classifier in fitted.items():
            known = found.get("ngrams") if self._read_alike else None
            found[name] = classifier.vectors.transform(plain) if known is None else known
        return found

    def scores(
        self, views: Sequence[bytes], vectors: np.ndarray, features: Mapping[str, sparse.csr_matrix] | None = None
    ) -> dict[str, np.ndarray]:
        """Return the scores [n, c] of every fitted member.

        Args:
            views: payloads.
            vectors: the payload tower's unit vectors [n, d] of them.
            features: their `ngram_features`; None: they are made.
        """
        found: dict[str, np.ndarray] = {}
        for name in VECTOR_MEMBERS:
            head: AnchorHead | LinearHead | NeighborHead | None = getattr(self, name)
            if head is not None:
                found[name] = head.scores(vectors)
        for name, read in (self.ngram_features(views) if features is None else features).items():
            classifier: NgramClassifier = getattr(self, name)
            found[name] = classifier.head.scores(read)
        return found


def fit_members(
    answer: Answer,
    *,
    train: Rows,
    vectors: np.ndarray,
    extra: Rows,
    anchors: tuple[np.ndarray, np.ndarray],
    n_classes: int,
    views: Views,
    seed: int,
) -> Members:
    """Fit the members that `answer` names.

    Args:
        train: labeled rows of the split.
        vectors: the payload tower's vectors [n, d] of `train`.
        extra: further labeled rows that n-gram members train on, with their weights.
        anchors: unit vectors [a, d] of the generic texts, and the class of each [a].
        n_classes: size of the catalogue.
        views: how noisy the noisy copies for the n-gram members are.
        seed: of the streams "members/...".
    """
    fitted: dict[str, AnchorHead | LinearHead | NeighborHead | NgramClassifier] = {}
    if "anchors" in answer.members:
        fitted["anchors"] = AnchorHead(anchors=anchors[0], owner=anchors[1], n_classes=n_classes, pooling="mean")
    if "linear" in answer.members:
        fitted["linear"] = fit_linear(
            vectors,
            train.labels,
            n_classes=n_classes,
            settings=LinearSettings(kind="logistic", c=answer.linear_c),
            rng=rng(seed, "members/linear"),
        )
    if "neighbors" in answer.members:
        fitted["neighbors"] = NeighborHead(
            vectors=vectors, labels=train.labels, n_classes=n_classes, k=min(answer.neighbors, len(train))
        )
    fitted |= _ngram_members(answer, train, extra, n_classes=n_classes, views=views, seed=seed)
    return Members(**fitted)  # type: ignore[arg-type]


def _ngram_members(
    answer: Answer, train: Rows, extra: Rows, *, n_classes: int, views: Views, seed: int
) -> Mapping[str, NgramClassifier]:
    wanted = [name for name in _NGRAM_LINEAR if name in answer.members]
    if not wanted:
        return {}
    draw = rng(seed, "members/views")
    framed = [in_random_frame(view, draw) for _ in range(answer.ngram_framed) for view in train.views]
    noisy = [
        with_noise(view, share=views.noise_share, rng=draw) for _ in range(answer.ngram_noisy) for view in train.views
    ]
    payloads = [unquoted(view) for view in (*train.views, *framed, *noisy, *extra.views)]
    copies = 1 + answer.ngram_framed + answer.ngram_noisy
    labels = np.concatenate([np.tile(train.labels, copies), extra.labels])
    weights = np.concatenate([np.tile(train.weights, copies), extra.weights])
    cost = {"ngrams": answer.ngram_c, "ngrams_nb": answer.ngram_nb_c}
    return {
        name: fit_ngrams(
            payloads,
            labels,
            n_classes=n_classes,
            settings=WORD_NGRAMS,
            linear=LinearSettings(kind=_NGRAM_LINEAR[name], c=cost[name]),  # type: ignore[arg-type]
            rng=rng(seed, f"members/{name}"),
            weights=weights,
        )
        for name in wanted
    }
