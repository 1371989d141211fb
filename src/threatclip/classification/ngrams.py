"""The linear n-gram view of a payload: TF-IDF over words or characters, and a linear head on it.

Stored as a JSON list of terms and three arrays; a fresh process gives the very same scores.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from threatclip.classification.linear import LinearHead, LinearSettings, fit_linear
from threatclip.errors import DamagedArtifactError, InputError

MAX_CHARS = 4_000
"""Only the first characters of a payload are read: the benchmark's rule, and a bound on hostile input."""

WORD_PATTERN = r"[^\W\d_]+|\d+|\S"
"""A word is a run of letters, a run of digits, or any other single character that is not white space."""

TERMS_FILE = "terms.json"

NgramKind = Literal["word", "char"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NgramSettings:
    """Which n-grams are counted: of `kind`, `min_n` to `max_n` long, in at least `min_df` training payloads."""

    kind: NgramKind
    min_n: int
    max_n: int
    min_df: int = 2
    max_terms: int = 100_000
    max_chars: int = MAX_CHARS

    def __post_init__(self) -> None:
        if self.kind not in get_args(NgramKind) or not 1 <= self.min_n <= self.max_n or self.max_chars < 1:
            raise InputError(f"no n-grams of kind {self.kind!r} from {self.min_n} to {self.max_n}")


WORD_NGRAMS = NgramSettings(kind="word", min_n=1, max_n=3)
CHAR_NGRAMS = NgramSettings(kind="char", min_n=2, max_n=5, max_terms=200_000)


def payload_text(view: bytes, *, max_chars: int = MAX_CHARS) -> str:
    """Return the first characters of a payload: UTF-8 where that is UTF-8, else one character per byte (Latin-1)."""
    head = view[: 4 * max_chars]  # a UTF-8 character has at most four bytes
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) == len(view))
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    return text[:max_chars]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NgramVectors:
    """TF-IDF with the terms and document frequencies of a training set: (1 + ln tf) * idf, rows of length 1."""

    settings: NgramSettings
    terms: tuple[str, ...]
    idf: Float[np.ndarray, " d"]
    _counter: CountVectorizer = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_counter", _counter(self.settings, vocabulary=self.terms))

    def transform(self, views: Sequence[bytes]) -> sparse.csr_matrix:
        """Return the sparse features [n, d] of payloads; a payload without a known term is a row of zeros."""
        if not views:
            return sparse.csr_matrix((0, len(self.terms)))
        return _weigh(self._counter.transform(_texts(views, self.settings)), self.idf)


def fit_vectors(views: Sequence[bytes], *, settings: NgramSettings) -> tuple[NgramVectors, sparse.csr_matrix]:
    """Count the terms of training payloads; return the vectors and the features [n, d] of these payloads.

    idf = ln((1 + n) / (1 + df)) + 1, as scikit-learn's smoothed one.

    Raises:
        InputError: no term occurs in `min_df` payloads.
    """
    counter = _counter(settings, vocabulary=None)
    try:
        counts = counter.fit_transform(_texts(views, settings))
    except ValueError as error:
        raise InputError(
            f"no n-gram occurs in {settings.min_df} of {len(views)} payloads; give more training rows"
        ) from error
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.log((1 + len(views)) / (1 + frequency)) + 1.0
    vectors = NgramVectors(settings=settings, terms=tuple(counter.get_feature_names_out().tolist()), idf=idf)
    return vectors, _weigh(counts, idf)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NgramClassifier:
    """A linear head on the n-grams of a payload."""

    vectors: NgramVectors
    head: LinearHead

    def scores(self, views: Sequence[bytes]) -> Float[np.ndarray, "n c"]:
        """Return the score of each payload for each class."""
        return self.head.scores(self.vectors.transform(views))

    def reads_as(self, other: NgramClassifier) -> bool:
        """Tell whether both make the same features of a payload."""
        mine, theirs = self.vectors, other.vectors
        alike = mine.settings == theirs.settings and mine.terms == theirs.terms
        return alike and np.array_equal(mine.idf, theirs.idf)

    def evidence(self, view: bytes, *, class_index: int, n: int = 10) -> list[tuple[str, float]]:
        """Return the n-grams of one payload that add most to the score of a class, the greatest first."""
        return self.evidence_of(self.vectors.transform([view]), 0, class_index=class_index, n=n)

    def evidence_of(
        self, features: sparse.csr_matrix, row: int, *, class_index: int, n: int = 10
    ) -> list[tuple[str, float]]:
        """Return `evidence` of one row of features [n, d] that were made already."""
        kept = slice(features.indptr[row], features.indptr[row + 1])
        columns = features.indices[kept]
        shares = features.data[kept] * self.head.weight[class_index, columns]
        order = np.argsort(-shares, kind="stable")[:n]
        return [(self.vectors.terms[columns[i]], float(shares[i])) for i in order if shares[i] > 0]

    def as_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the model."""
        return {"idf": self.vectors.idf, **self.head.as_arrays()}

    def config(self) -> dict[str, Any]:
        """Return the settings of the model as plain JSON values."""
        return {"ngrams": asdict(self.vectors.settings), "head": self.head.config()}

    def assets(self) -> dict[str, bytes]:
        """Return the files of the model beside its arrays: the terms, in the order of the columns."""
        return {TERMS_FILE: json.dumps(self.vectors.terms).encode("ascii")}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], config: Mapping[str, Any], assets: Mapping[str, bytes]
    ) -> NgramClassifier:
        """Return the model that `as_arrays`, `config` and `assets` wrote.

        Raises:
            DamagedArtifactError: parts are missing or do not fit.
        """
        try:
            terms = tuple(json.loads(assets[TERMS_FILE]))
            settings = NgramSettings(**config["ngrams"])
            idf = arrays["idf"]
            head = LinearHead.from_arrays(arrays, config["head"])
        except (KeyError, ValueError, TypeError, RecursionError, InputError) as error:
            raise DamagedArtifactError(f"the n-gram model is not whole ({error!r}); train it anew") from error
        sound = all(isinstance(term, str) for term in terms) and len(set(terms)) == len(terms) > 0
        if not sound or idf.shape != (len(terms),) or head.weight.shape[1] != len(terms):
            raise DamagedArtifactError(
                f"the n-gram model has {len(terms)} terms, idf {idf.shape}, weights {head.weight.shape}; train it anew"
            )
        return cls(vectors=NgramVectors(settings=settings, terms=terms, idf=idf), head=head)


def fit_ngrams(
    views: Sequence[bytes],
    truth: Int[np.ndarray, " n"],
    *,
    n_classes: int,
    settings: NgramSettings = WORD_NGRAMS,
    linear: LinearSettings,
    rng: np.random.Generator,
    weights: Float[np.ndarray, " n"] | None = None,
) -> NgramClassifier:
    """Fit TF-IDF and a linear head on payloads; `weights` says what each counts for the head.

    Raises:
        InputError: fewer than two classes, unlabeled rows, or no term that recurs.
    """
    vectors, features = fit_vectors(views, settings=settings)
    return NgramClassifier(
        vectors=vectors,
        head=fit_linear(features, truth, n_classes=n_classes, settings=linear, rng=rng, weights=weights),
    )


def _texts(views: Sequence[bytes], settings: NgramSettings) -> list[str]:
    return [payload_text(view, max_chars=settings.max_chars) for view in views]


def _counter(settings: NgramSettings, *, vocabulary: Sequence[str] | None) -> CountVectorizer:
    # the token pattern is only for words: scikit-learn warns of one that it will not use
    words = {"token_pattern": WORD_PATTERN} if settings.kind == "word" else {}
    return CountVectorizer(
        analyzer=settings.kind,
        ngram_range=(settings.min_n, settings.max_n),
        min_df=1 if vocabulary is not None else settings.min_df,
        max_features=settings.max_terms if vocabulary is None else None,
        vocabulary=vocabulary,
        dtype=np.float64,
        **words,
    )


def _weigh(counts: sparse.csr_matrix, idf: Float[np.ndarray, " d"]) -> sparse.csr_matrix:
    """Turn counts into TF-IDF rows of length 1."""
    counts = counts.tocsr()
    counts.data = (1.0 + np.log(counts.data)) * idf[counts.indices]
    return normalize(counts, norm="l2", copy=False)
