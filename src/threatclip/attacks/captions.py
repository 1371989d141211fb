"""What a poisoned row says: a template of the target class, or what real pairs of the class say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from threatclip.attacks.choice import is_of_class, trainable, words_of
from threatclip.errors import InputError
from threatclip.pairs.image_captions import CIFAR10_NOUNS, class_prompts
from threatclip.pairs.pair import Pair

Wording = Literal["template", "natural"]


def target_captions(
    clean: Sequence[Pair], *, target: str, n: int, wording: Wording, pool: int = 128, rng: np.random.Generator
) -> list[str]:
    """Return `n` captions of class `target`.

    Args:
        clean: the pairs that natural captions are taken from.
        target: the class.
        n: how many.
        wording: "template", drawn from the prompts of the class [Bansal 2023, section 4.1], or "natural".
        pool: natural captions are drawn with replacement from at most so many different ones [Liang 2024, released
            poison set].
        rng: of the draws.

    Raises:
        InputError: natural captions are asked for and no training pair of the class has one.
    """
    known = caption_pool(clean, target=target, wording=wording, pool=pool, rng=rng)
    return [known[place] for place in rng.integers(len(known), size=n)]


def caption_pool(
    clean: Sequence[Pair], *, target: str, wording: Wording, pool: int, rng: np.random.Generator
) -> list[str]:
    """Return every template of class `target`, or its natural captions, at most `pool` of them; see above."""
    if wording == "template":
        return template_captions(target)
    known = natural_captions(clean, target=target)
    if len(known) <= pool:
        return known
    return [known[place] for place in sorted(rng.choice(len(known), size=pool, replace=False))]


def template_captions(target: str) -> list[str]:
    """Return every prompt of class `target`; a class that has no nouns of its own is named by its words."""
    nouns = CIFAR10_NOUNS if target in CIFAR10_NOUNS else {target: (" ".join(words_of(target)),)}
    return class_prompts(target, nouns=nouns)


def natural_captions(clean: Sequence[Pair], *, target: str) -> list[str]:
    """Return the different captions of training pairs of class `target`, in the table's order.

    Raises:
        InputError: there is none.
    """
    own = (clean[row] for row in trainable(clean) if is_of_class(clean[row], target))
    found = list(dict.fromkeys(pair.caption for pair in own if pair.caption))
    if not found:
        raise InputError(f"no training pair of class {target!r} has a caption; name another target, or use templates")
    return found
