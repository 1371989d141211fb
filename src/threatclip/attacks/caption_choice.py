"""Which captions speak most typically of their class: by the words of the table, or by a surrogate's vectors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Literal

import numpy as np

from threatclip.attacks.choice import words_of
from threatclip.attacks.navigation import caption_vectors, nearest_first
from threatclip.attacks.surrogate import Surrogate, needed
from threatclip.pairs.pair import Pair

Selection = Literal["typical", "random", "surrogate"]


def in_order(
    clean: Sequence[Pair],
    rows: Sequence[int],
    *,
    selection: Selection,
    rng: np.random.Generator,
    surrogate: Surrogate | None,
) -> list[int]:
    """Return captioned rows of one class, the ones to take first in front.

    Args:
        clean: the pairs.
        rows: rows of one class.
        selection: "surrogate": nearest to the center of the rows' caption vectors; "typical": nearest to the center of
            their TF-IDF vectors, for which no model is needed; "random".
        rng: of "random".
        surrogate: of "surrogate".

    Raises:
        InputError: a surrogate is needed and there is none.
    """
    if not rows:
        return []
    if selection == "random":
        return [rows[place] for place in rng.permutation(len(rows)).tolist()]
    if selection == "typical":
        return [rows[place] for place in typical_first([clean[row].caption or "" for row in rows])]
    vectors = caption_vectors(clean, rows, needed(surrogate, what='selection = "surrogate"'))
    return [rows[place] for place in nearest_first(vectors)]


def typical_first(texts: Sequence[str]) -> list[int]:
    """Return the places of texts by the cosine of their TF-IDF vector to the mean one, highest first; ties in order."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(words_of(text) for text in texts):
        return list(range(len(texts)))
    vectors = TfidfVectorizer(analyzer=words_of, sublinear_tf=True).fit_transform(texts)
    center = np.asarray(vectors.mean(axis=0)).ravel()
    return [int(place) for place in np.argsort(-np.asarray(vectors @ center), kind="stable")]


def distinct_captions(clean: Sequence[Pair], rows: Sequence[int]) -> list[int]:
    """Return the first row of each caption."""
    return list({clean[row].caption: row for row in reversed(rows)}.values())[::-1]


def round_robin(lists: Sequence[Sequence[int]]) -> list[int]:
    """Return the first of every list, then the second of every list, and so on."""
    turns = chain.from_iterable(zip_longest(*lists))
    return [row for row in turns if row is not None]
