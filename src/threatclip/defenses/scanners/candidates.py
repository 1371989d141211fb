"""What might be a trigger in words: strings that a tower knows, or anybody can type, and that trusted views lack."""

from __future__ import annotations

import itertools
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer

from threatclip.encoders.towers import Tower
from threatclip.pairs.pair import view_text

_TOKENIZER = "tokenizer.json"
_LETTERS = string.ascii_lowercase
_MOST_CHARS = 24  # of a candidate


def candidate_words(
    tower: Tower, trusted: Sequence[bytes], *, most: int, common: float, rng: np.random.Generator
) -> list[str]:
    """Return strings to insert: words of trusted views that are rare there, the tower's tokens, every two letters.

    A trigger that many trusted views hold would fire on them; what they hold often means something to the class that
    it moves to, which is no finding.

    Args:
        tower: of the views; one without a tokenizer adds no tokens.
        trusted: views.
        most: candidates, drawn evenly where there are more.
        common: share of trusted views from which on a word is common and left out.
        rng: draws.
    """
    counts = Counter(word for view in trusted for word in set(view_text(view).lower().split()))
    often = {word for word, count in counts.items() if count >= max(2.0, common * len(trusted))}
    pairs = ("".join(two) for two in itertools.product(_LETTERS, repeat=2))
    known = dict.fromkeys([*pairs, *_tokens(tower), *sorted(counts)])
    words = [word for word in known if 1 < len(word) <= _MOST_CHARS and word not in often]
    return [words[place] for place in np.sort(rng.permutation(len(words))[:most])]


def _tokens(tower: Tower) -> list[str]:
    """Return the vocabulary of a tower as text, without marks and pieces that are no text."""
    stored = tower.assets().get(_TOKENIZER)
    if stored is None:
        return []
    tokenizer = Tokenizer.from_str(stored.decode())
    texts = (tokenizer.decode([number]).strip().lower() for number in range(tokenizer.get_vocab_size()))
    return [text for text in texts if text.isprintable() and " " not in text and "\ufffd" not in text]
