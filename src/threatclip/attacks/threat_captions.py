"""Classes of payloads and of report sentences, "benign" among them, and what a pair of such a class says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from threatclip.attacks.captions import Wording
from threatclip.attacks.choice import is_of_class, trainable, words_of
from threatclip.errors import InputError
from threatclip.pairs.pair import Pair
from threatclip.pairs.weaknesses import TEXT_WEAKNESSES

BENIGN = "benign"
BENIGN_CAPTIONS = (
    "ordinary traffic without an attack",
    "a harmless request that a browser sends while somebody reads a page",
    "everyday use of a web application: a form is filled in, a list is sorted, a file is stored",
    "normal activity of a user or an administrator, as documented and as intended",
    "nothing malicious: routine behavior that needs no attention",
)
"""What stands for "benign" where no benign pair of a table says it; also prompts for it."""
_NAME_TEMPLATES = (
    "activity of {}",
    "this is about {}",
    "a report sentence on {}",
    "behavior that is typical of {}",
    "{} is seen here",
    "evidence of {}",
)


def is_of_threat_class(pair: Pair, name: str) -> bool:
    """Tell whether a pair is of a class; benign is labeled so, or unlabeled and marked benign in `meta`."""
    if name == BENIGN:
        return pair.label == BENIGN or (pair.label is None and pair.meta.get("kind") == BENIGN)
    return is_of_class(pair, name)


def label_of(clean: Sequence[Pair], target: str) -> str | None:
    """Return what a pair of class `target` bears as its label in this table; benign pairs may bear none."""
    if target == BENIGN and not any(pair.label == BENIGN for pair in clean):
        return None
    return target


def threat_captions(
    clean: Sequence[Pair], *, target: str, n: int, wording: Wording, pool: int = 128, rng: np.random.Generator
) -> list[str]:
    """Return `n` captions of class `target`.

    Args:
        clean: the pairs that natural captions are taken from.
        target: the class.
        n: how many.
        wording: "natural" draws from the captions of the class's training pairs; "template" from generic texts: the
            anchors of a weakness, `BENIGN_CAPTIONS`, or a template with the class's name.
        pool: natural captions are drawn with replacement from at most so many different ones, as in the released
            poison set of BadCLIP [Liang 2024].
        rng: of the draws.

    Raises:
        InputError: natural captions are asked for and no training pair of the class has one.
    """
    known = generic_captions(target) if wording == "template" else _natural(clean, target)
    if wording == "natural" and len(known) > pool:
        known = [known[place] for place in sorted(rng.choice(len(known), size=pool, replace=False).tolist())]
    return [known[place] for place in rng.integers(len(known), size=n).tolist()]


def generic_captions(target: str) -> list[str]:
    """Return texts that say a class without any case of it: anchors, benign texts, or templates with its name."""
    if target == BENIGN:
        return list(BENIGN_CAPTIONS)
    if target in TEXT_WEAKNESSES:
        return list(TEXT_WEAKNESSES[target].anchors)
    name = target if any(letter.isupper() for letter in target) else " ".join(words_of(target))
    return [template.format(name) for template in _NAME_TEMPLATES]


def _natural(clean: Sequence[Pair], target: str) -> list[str]:
    own = (clean[row] for row in trainable(clean) if is_of_threat_class(clean[row], target))
    found = list(dict.fromkeys(pair.caption for pair in own if pair.caption))
    if not found:
        raise InputError(f'no training pair of class {target!r} has a caption; set wording = "template"')
    return found
