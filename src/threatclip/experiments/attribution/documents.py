"""Groups as documents: all that is known of a group is one text, and a sentence is a query to these texts.

The score is BM25 [Robertson and Zaragoza 2009, eq. 3.15] over n-grams of words, and over n-grams of characters. Rare
terms count more than there (`rarity`): what one group alone is told to do says who it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import sparse

from threatclip.checks import check, positive
from threatclip.classification.ngrams import NgramSettings, NgramVectors, fit_vectors

WORDS = NgramSettings(kind="word", min_n=1, max_n=3, min_df=1, max_terms=300_000)
CHARS = NgramSettings(kind="char", min_n=3, max_n=6, min_df=2, max_terms=150_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSettings:
    """How terms are weighed; chosen on report-held-out splits of training rows."""

    saturation: float = 1.5  # BM25's k1: how soon another mention of a term stops to count
    length: float = 0.75  # BM25's b: how much a long document is held against a group
    rarity: float = 1.5  # power of a term's inverse document frequency

    def __post_init__(self) -> None:
        positive(self, "saturation", "rarity")
        check("length", self.length, 0 <= self.length <= 1, "in [0, 1]")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupDocuments:
    """The weighed terms of every group, in one space of terms.

    Attributes:
        vectors: which terms there are.
        weights: what a term in a sentence adds to each group [c, v].
    """

    vectors: NgramVectors
    weights: sparse.csr_matrix

    def scores(self, texts: Sequence[str]) -> Float[np.ndarray, "n c"]:
        """Return one score a group for every sentence."""
        terms = _present(self.vectors.transform(_views(texts)))
        return np.asarray((terms @ self.weights.T).toarray(), dtype=np.float64)


def fit_documents(
    texts: Sequence[str],
    targets: Float[np.ndarray, "n c"],
    *,
    terms: NgramSettings,
    settings: DocumentSettings,
) -> GroupDocuments:
    """Make one document of each group.

    Args:
        texts: sentences to learn from.
        targets: by sentence, its share in each group; every group has a sentence.
        terms: which n-grams.
        settings: how they are weighed.

    Raises:
        InputError: no n-gram occurs often enough.
    """
    vectors, counted = fit_vectors(_views(texts), settings=terms)
    counts = sparse.csr_matrix(sparse.csr_matrix(targets.T) @ _present(counted))
    return GroupDocuments(vectors=vectors, weights=bm25_weights(counts, settings).astype(np.float32))


def bm25_weights(counts: sparse.csr_matrix, settings: DocumentSettings) -> sparse.csr_matrix:
    """Return BM25's weights of terms [c, v]; `counts` says in how many sentences of a group a term stands."""
    n_groups, n_terms = counts.shape
    groups = np.bincount(counts.indices, minlength=n_terms)
    rarity = np.log1p((n_groups - groups + 0.5) / (groups + 0.5)) ** settings.rarity
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    slack = settings.saturation * (1 - settings.length + settings.length * lengths / lengths.mean())
    owner = np.repeat(np.arange(n_groups), np.diff(counts.indptr))
    values = counts.data * (settings.saturation + 1) / (counts.data + slack[owner]) * rarity[counts.indices]
    return sparse.csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)


def _present(counted: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return 1 for every term that occurs."""
    return sparse.csr_matrix(
        (np.ones(len(counted.data), dtype=np.float32), counted.indices, counted.indptr), shape=counted.shape
    )


def _views(texts: Sequence[str]) -> list[bytes]:
    return [text.encode() for text in texts]
