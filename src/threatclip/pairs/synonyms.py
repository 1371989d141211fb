"""Classes made equally large by copies of their sentences with synonyms in them [Wei 2019, EDA, synonym replacement].

A copy says what its original says: where both are drawn into a sample at random, the test set is in the training set.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from threatclip.errors import InputError
from threatclip.seeds import rng

Thesaurus = Callable[[str], Sequence[str]]
"""From a word to its synonyms, in a fixed order."""

_WORD = re.compile(r"[A-Za-z]+")
_LEAST_LETTERS = 4  # shorter words are seldom what a sentence is about, and often abbreviations
_TRIES = 20  # at a copy that differs from all others of its class


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A sentence of the balanced set: `origin` is the row it was made from, `is_new` whether words were replaced."""

    text: str
    origin: int
    is_new: bool


def replace_words(
    text: str, *, thesaurus: Thesaurus, share: float, generator: np.random.Generator, kept: frozenset[str]
) -> str:
    """Return `text` with some words replaced by synonyms; as it was where none has any.

    Args:
        text: one sentence.
        thesaurus: synonyms of a word in lower case.
        share: of the sentence's words to replace, at least one word [Wei 2019: alpha].
        generator: of the choices.
        kept: words that stay, in lower case: stop words, and what masks names.
    """
    words = list(_WORD.finditer(text))
    wanted = max(1, round(share * len(words)))
    chosen: dict[int, str] = {}
    for place in generator.permutation(len(words)).tolist():
        word = words[place][0]
        if len(word) < _LEAST_LETTERS or word.lower() in kept:
            continue
        synonyms = thesaurus(word.lower())
        if synonyms:
            synonym = synonyms[int(generator.integers(len(synonyms)))]
            chosen[place] = synonym.capitalize() if word[0].isupper() else synonym
        if len(chosen) == wanted:
            break
    parts, at = [], 0
    for place in sorted(chosen):
        parts += [text[at : words[place].start()], chosen[place]]
        at = words[place].end()
    return "".join([*parts, text[at:]])


def balanced_copies(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    thesaurus: Thesaurus,
    rows_per_class: int | None,
    share: float,
    seed: int,
    kept: frozenset[str],
) -> list[Copy]:
    """Return every row, and copies of the rows of small classes until each class has `rows_per_class` rows.

    A class's rows are copied in turn, in an order drawn for each round. A class that is larger stays as it is; one
    whose sentences have too few synonyms for distinct copies stays smaller.

    Args:
        texts: the rows.
        labels: the class of each.
        thesaurus: see `replace_words`, as are `share` and `kept`.
        rows_per_class: None for as many as the largest class has.
        seed: stream "synonyms/CLASS".

    Raises:
        InputError: not as many labels as texts, or no rows.
    """
    if len(texts) != len(labels) or not texts:
        raise InputError(f"{len(texts)} texts with {len(labels)} labels cannot be balanced; give one label for each")
    wanted = rows_per_class or max(Counter(labels).values())
    copies = [Copy(text=text, origin=row, is_new=False) for row, text in enumerate(texts)]
    by_class: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        by_class.setdefault(label, []).append(row)
    for label in sorted(by_class):
        own, generator = by_class[label], rng(seed, f"synonyms/{label}")
        known = {texts[row] for row in own}
        n_rows, failures = len(own), 0
        while n_rows < wanted and failures < _TRIES * len(own):
            for row in generator.permutation(own).tolist():
                text = replace_words(texts[row], thesaurus=thesaurus, share=share, generator=generator, kept=kept)
                if text in known or n_rows == wanted:
                    failures += 1
                    continue
                known.add(text)
                copies.append(Copy(text=text, origin=row, is_new=True))
                n_rows += 1
    return copies
