"""Easy data augmentation of a text [Wei 2019]: a synonym, an inserted word, two swapped words, or words left out."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from threatclip.defenses.repairs.synonyms import STOP_WORDS, SYNONYMS
from threatclip.pairs.pair import view_text

_NO_LETTER = re.compile(r"[^a-z]+")
_TRIES = 10  # at finding a word that has a synonym
_MOST_WORDS = 2_000  # of a text; a longer one is cut, a tower reads less

Change = Callable[[list[str], int, np.random.Generator], list[str]]


def eda(text: str, *, share: float = 0.1, rng: np.random.Generator) -> str:
    """Return one changed copy of a text, in lower case and with nothing but a to z, as CleanCLIP's code makes it.

    One of four changes, each as likely: synonyms for, or synonyms inserted beside, or swaps of max(1, share x words)
    words; or each word left out with probability `share`. A text without a letter from a to z comes back as it is.

    Args:
        text: a caption or a sentence.
        share: alpha_sr = alpha_ri = alpha_rs = p_rd, in [0, 1].
        rng: of which change, which words and what for.

    Source: [Wei 2019, section 2]; [Bansal 2023]: one of the four candidates is kept.
    """
    words = _NO_LETTER.sub(" ", text.lower().replace("'", "").replace("’", "")).split()[:_MOST_WORDS]
    if not words:
        return text
    n_words = max(1, int(share * len(words)))
    changes: tuple[Change, ...] = (_replaced, _inserted, _swapped, lambda w, _, draw: _thinned(w, share, draw))
    return " ".join(changes[int(rng.integers(len(changes)))](words, n_words, rng))


def eda_bytes(view: bytes, rng: np.random.Generator) -> bytes:
    """Return one changed copy of a text view or an encoded caption; never empty where it was not."""
    return eda(view_text(view), rng=rng).encode("utf-8", "replace") or view


def _replaced(words: list[str], n_words: int, rng: np.random.Generator) -> list[str]:
    """Give up to so many distinct words, not stop words, one synonym each."""
    known = sorted({word for word in words if word not in STOP_WORDS and word in SYNONYMS})
    chosen = [known[place] for place in rng.permutation(len(known))[:n_words]]
    swaps = {word: _synonym(word, rng) for word in chosen}
    return [swaps.get(word, word) for word in words]


def _inserted(words: list[str], n_words: int, rng: np.random.Generator) -> list[str]:
    """Insert so many synonyms of random words at random places."""
    found = list(words)
    for _ in range(n_words):
        for word in (found[int(rng.integers(len(found)))] for _ in range(_TRIES)):
            if word in SYNONYMS:
                found.insert(int(rng.integers(len(found) + 1)), _synonym(word, rng))
                break
    return found


def _swapped(words: list[str], n_words: int, rng: np.random.Generator) -> list[str]:
    """Swap two words so many times."""
    found = list(words)
    if len(found) > 1:
        for _ in range(n_words):
            first, second = rng.choice(len(found), size=2, replace=False)
            found[first], found[second] = found[second], found[first]
    return found


def _thinned(words: list[str], share: float, rng: np.random.Generator) -> list[str]:
    """Leave out each word with a probability; one is left where all would go."""
    kept = [word for word, stays in zip(words, (rng.random(len(words)) >= share).tolist(), strict=True) if stays]
    return kept or [words[int(rng.integers(len(words)))]]


def _synonym(word: str, rng: np.random.Generator) -> str:
    choices = SYNONYMS[word]
    return choices[int(rng.integers(len(choices)))]
