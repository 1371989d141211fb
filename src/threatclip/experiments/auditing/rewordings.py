"""Rows that reword another: the same sentence with a few words replaced, as augmentation by synonyms makes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from datasketch import MinHash, MinHashLSH

SHARED_WORDS = 0.6  # Jaccard similarity of the sets of words from which on a text rewords another
LEAST_WORDS = 8  # a shorter text may say the same by chance
_BANDS, _BAND_ROWS = 32, 3  # at 0.6 a pair is missed with probability (1 - 0.6^3)^32 < 0.001
_WORD = re.compile(r"[^\W_]+")

Labeled = tuple[str, str | None]


def reworded_rows(asked: Sequence[Labeled], known: Sequence[Labeled]) -> int:
    """Count the texts of `asked` that share at least 60% of their words with a text of the same label in `known`.

    Replacing every fifth word by a synonym leaves 67%. Texts of fewer than 8 distinct words do not count.
    """
    index = MinHashLSH(num_perm=_BANDS * _BAND_ROWS, params=(_BANDS, _BAND_ROWS))
    sets = [_words(text) for text, _ in known]
    for place, words in enumerate(sets):
        if len(words) >= LEAST_WORDS:
            index.insert(place, _signature(words), check_duplication=False)
    count = 0
    for text, label in asked:
        words = _words(text)
        if len(words) < LEAST_WORDS:
            continue
        found = (place for place in index.query(_signature(words)) if known[place][1] == label)
        count += any(len(words & sets[place]) >= SHARED_WORDS * len(words | sets[place]) for place in found)
    return count


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _signature(words: frozenset[str]) -> MinHash:
    signature = MinHash(num_perm=_BANDS * _BAND_ROWS, seed=1)
    signature.update_batch([word.encode("utf-8", "replace") for word in sorted(words)])
    return signature
