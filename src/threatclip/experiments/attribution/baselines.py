"""The built-in baselines of group attribution: what any model of ours must beat on the same rows of the same split.

All read the masked sentence (the two controls with technique ids excepted) and give one score a group. With `support`
they also learn from rows of software that only one group uses, as the strongest simple model of the protocol does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from threatclip.classification.scores import UNSEEN_SCORE, spread
from threatclip.experiments.attribution.documents import DocumentSettings, bm25_weights
from threatclip.experiments.attribution.rows import AttackRow
from threatclip.experiments.attribution.splits import GroupSplit

Scores = Float[np.ndarray, "n c"]
_NEIGHBORS, _LOGISTIC_C, _NB_ALPHA = 10, 10.0, 0.3
_BM25 = DocumentSettings(saturation=1.5, length=0.75, rarity=1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sides:
    """What a baseline is handed: texts and group numbers to learn from, texts to score, and features of both.

    `train_features` and `test_features` are unit vectors of a frozen text encoder, None where nobody asked for them.
    """

    train: tuple[AttackRow, ...]
    truth: Int[np.ndarray, " n"]
    test: tuple[AttackRow, ...]
    n_groups: int
    seed: int
    raw: bool = False
    train_features: Float[np.ndarray, "n d"] | None = None
    test_features: Float[np.ndarray, "m d"] | None = None

    @property
    def train_texts(self) -> list[str]:
        """What is learned from: masked, but for the control on raw text."""
        return _texts(self.train, raw=self.raw)

    @property
    def test_texts(self) -> list[str]:
        """What is scored."""
        return _texts(self.test, raw=self.raw)


Baseline = Callable[[Sides], Scores]


def sides_of(
    split: GroupSplit,
    *,
    seed: int,
    support: Sequence[AttackRow] = (),
    raw: bool = False,
    features: Mapping[str, np.ndarray] | None = None,
) -> Sides:
    """Return what a baseline is handed of a split; `features` are unit vectors by id of row."""
    place = {group: number for number, group in enumerate(split.groups)}
    train = (*split.train, *support)
    return Sides(
        train=train,
        truth=np.array([place[row.group or ""] for row in train], dtype=np.int64),
        test=split.test,
        n_groups=len(split.groups),
        seed=seed,
        raw=raw,
        train_features=None if features is None else np.stack([features[row.id] for row in train]),
        test_features=None if features is None else np.stack([features[row.id] for row in split.test]),
    )


def majority(sides: Sides) -> Scores:
    """Return the share of each group in training, the same for every sentence."""
    counts = np.bincount(sides.truth, minlength=sides.n_groups)
    return np.tile(counts / counts.sum(), (len(sides.test), 1))


def word_svc(sides: Sides) -> Scores:
    """Return margins of a balanced linear SVM on TF-IDF of one and two words."""
    return _svc(sides, TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True))


def char_svc(sides: Sides) -> Scores:
    """Return margins of a balanced linear SVM on TF-IDF of two to five characters within words."""
    return _svc(sides, TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2))


def complement_nb(sides: Sides) -> Scores:
    """Return the scores of complement naive Bayes on TF-IDF of one and two words [Rennie 2003]."""
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = ComplementNB(alpha=_NB_ALPHA).fit(vectors.fit_transform(sides.train_texts), sides.truth)
    found = model.predict_joint_log_proba(vectors.transform(sides.test_texts))
    return spread(found, classes=model.classes_, n_classes=sides.n_groups, fill=UNSEEN_SCORE)


def bm25(sides: Sides) -> Scores:
    """Return BM25 of a sentence to all sentences of each group as one document [Robertson and Zaragoza 2009]."""
    counter = CountVectorizer(ngram_range=(1, 2), binary=True)
    train = counter.fit_transform(sides.train_texts)
    member = sparse.csr_matrix(np.eye(sides.n_groups)[sides.truth].T)
    weights = bm25_weights(sparse.csr_matrix(member @ train), _BM25)
    return np.asarray((counter.transform(sides.test_texts) @ weights.T).toarray(), dtype=np.float64)


def minilm_centroid(sides: Sides) -> Scores:
    """Return the cosine to the mean vector of each group."""
    train, test = _features(sides)
    member = np.eye(sides.n_groups)[sides.truth]
    return np.asarray(test @ normalize(member.T @ train).T)


def minilm_knn(sides: Sides) -> Scores:
    """Return the summed cosines of the ten nearest training sentences, by group; most groups get 0."""
    train, test = _features(sides)
    near = NearestNeighbors(n_neighbors=min(_NEIGHBORS, len(train)), metric="cosine", algorithm="brute").fit(train)
    distances, places = near.kneighbors(test)
    scores = np.zeros((len(test), sides.n_groups))
    np.add.at(scores, (np.arange(len(test))[:, None], sides.truth[places]), 1.0 - distances)
    return scores


def minilm_logistic(sides: Sides) -> Scores:
    """Return the logits of balanced multinomial logistic regression on the vectors."""
    train, test = _features(sides)
    model = LogisticRegression(C=_LOGISTIC_C, class_weight="balanced", max_iter=2000, tol=1e-5).fit(train, sides.truth)
    return spread(model.decision_function(test), classes=model.classes_, n_classes=sides.n_groups, fill=UNSEEN_SCORE)


def technique_profile(sides: Sides) -> Scores:
    """Return the cosine between the techniques of one sentence and the TF-IDF profile of each group's techniques.

    A control, not a rival: ATT&CK holds at most one sentence for a group and a technique, so that on split H the right
    group never has the technique asked for.
    """
    profiles = [
        " ".join(row.technique for row, own in zip(sides.train, sides.truth, strict=True) if own == number)
        for number in range(sides.n_groups)
    ]
    counter, weigh = CountVectorizer(tokenizer=str.split, token_pattern=None, lowercase=False), TfidfTransformer()
    known = weigh.fit_transform(counter.fit_transform(profiles))
    asked = weigh.transform(counter.transform([row.technique for row in sides.test]))
    return np.asarray((asked @ known.T).toarray())


BASELINES: Mapping[str, Baseline] = {
    "majority": majority,
    "word_svc": word_svc,
    "char_svc": char_svc,
    "complement_nb": complement_nb,
    "bm25": bm25,
    "minilm_centroid": minilm_centroid,
    "minilm_knn": minilm_knn,
    "minilm_logistic": minilm_logistic,
    "technique_profile": technique_profile,
}
READS_FEATURES = frozenset(name for name in BASELINES if name.startswith("minilm"))


def _svc(sides: Sides, vectors: TfidfVectorizer) -> Scores:
    train: sparse.csr_matrix = vectors.fit_transform(sides.train_texts)
    model = LinearSVC(class_weight="balanced", random_state=max(sides.seed, 0)).fit(train, sides.truth)
    margins = model.decision_function(vectors.transform(sides.test_texts))
    if margins.ndim == 1:  # one hyperplane for two groups
        margins = np.stack([-margins, margins], axis=1)
    return spread(margins, classes=model.classes_, n_classes=sides.n_groups, fill=UNSEEN_SCORE)


def _features(sides: Sides) -> tuple[np.ndarray, np.ndarray]:
    if sides.train_features is None or sides.test_features is None:
        raise ValueError("this baseline reads features; hand them over")
    return sides.train_features, sides.test_features


def _texts(rows: Sequence[AttackRow], *, raw: bool) -> list[str]:
    return [row.raw if raw else row.text for row in rows]
