"""Nearest known sentences: how near the nearest one of each group lies, by words, by characters and by vector.

A linear model averages over what a group does; one sentence on the very same trick says more than the average. The
nearest sentence of each group catches it, whatever else the group does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from threatclip.classification.ngrams import NgramSettings, NgramVectors, fit_vectors

CHARS = NgramSettings(kind="char", min_n=3, max_n=5, min_df=3, max_terms=60_000)
_SHARED = 0.25  # power of a row's share in a group: what k groups use is a little less near to each
_CHUNK_ROWS = 512  # sentences at a time: their cosines to all known ones are held in memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NearestRows:
    """Known sentences in three spaces, and whose they are.

    Attributes:
        chars: n-grams of characters.
        word_rows: unit rows of the known sentences' words [k, v].
        char_rows: unit rows of their characters [k, u].
        vector_rows: unit rows of their whitened vectors [k, d].
        entries: numbers of known rows, group by group; a row that several groups share stands in each.
        starts: where each group begins among the entries; every group has one at least.
        weights: of the entries.
    """

    chars: NgramVectors
    word_rows: sparse.csr_matrix
    char_rows: sparse.csr_matrix
    vector_rows: Float[np.ndarray, "k d"]
    entries: Int[np.ndarray, " e"]
    starts: Int[np.ndarray, " c"]
    weights: Float[np.ndarray, " e"]

    def scores(
        self, texts: Sequence[str], words: sparse.csr_matrix, vectors: Float[np.ndarray, "n d"]
    ) -> dict[str, Float[np.ndarray, "n c"]]:
        """Return the greatest cosine to a sentence of each group, in each space.

        Args:
            texts: sentences, masked.
            words: their words [n, v], weighed as `word_rows` are.
            vectors: their whitened unit vectors.
        """
        chars = self.chars.transform([text.encode() for text in texts]).astype(np.float32)
        found: dict[str, list[np.ndarray]] = {"near_words": [], "near_chars": [], "near_vectors": []}
        for start in range(0, len(texts), _CHUNK_ROWS):
            part = slice(start, start + _CHUNK_ROWS)
            found["near_words"].append(self._nearest((words[part] @ self.word_rows.T).toarray()))
            found["near_chars"].append(self._nearest((chars[part] @ self.char_rows.T).toarray()))
            found["near_vectors"].append(self._nearest(vectors[part] @ self.vector_rows.T))
        return {name: np.concatenate(parts).astype(np.float64) for name, parts in found.items()}

    def _nearest(self, cosines: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n c"]:
        return np.asarray(np.maximum.reduceat(cosines[:, self.entries] * self.weights, self.starts, axis=1))


def fit_nearest(
    texts: Sequence[str],
    targets: Float[np.ndarray, "k c"],
    words: sparse.csr_matrix,
    vectors: Float[np.ndarray, "k d"],
) -> NearestRows:
    """Keep the known sentences; `targets` are each one's shares in the groups, every group has a row."""
    chars, char_rows = fit_vectors([text.encode() for text in texts], settings=CHARS)
    groups, entries = np.nonzero(targets.T)
    return NearestRows(
        chars=chars,
        word_rows=sparse.csr_matrix(words.astype(np.float32)),
        char_rows=sparse.csr_matrix(char_rows.astype(np.float32)),
        vector_rows=vectors,
        entries=entries,
        starts=np.searchsorted(groups, np.arange(targets.shape[1])),
        weights=(targets.T[groups, entries] ** _SHARED).astype(np.float32),
    )
