"""Which rows an attack may change, and which it draws."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from threatclip.errors import InputError
from threatclip.pairs.pair import Pair


def trainable(clean: Sequence[Pair]) -> list[int]:
    """Return the rows that a victim trains on: those of split "train", or all where no row has a split.

    An attacker plants training data; validation and test rows belong to the judge.
    """
    if all(pair.split is None for pair in clean):
        return list(range(len(clean)))
    return [row for row, pair in enumerate(clean) if pair.split == "train"]


def is_of_class(pair: Pair, name: str) -> bool:
    """Tell whether a pair is of class `name`: by its label, or, where it has none, by the words of its caption."""
    if pair.label is not None:
        return pair.label == name
    return pair.caption is not None and mentions(pair.caption, name)


def check_class(clean: Sequence[Pair], name: str) -> None:
    """Refuse a class that is no label but reads like one: rows of that label would be taken for rows of others.

    A class that no row bears is fine: an attacker may aim at a class that is not in the table.

    Raises:
        InputError: see above.
    """
    labels = {pair.label for pair in clean if pair.label is not None}
    alike = [label for label in sorted(labels) if words_of(label) == words_of(name)]
    if name not in labels and alike:
        raise InputError(f"target {name!r} is no label of the table, but {alike[0]!r} is; name that one")


def mentions(caption: str, name: str) -> bool:
    """Tell whether a caption holds the words of `name` in a row, whatever their case; - and _ part words."""
    words, wanted = words_of(caption), words_of(name)
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1))


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without - and _."""
    return re.findall(r"[^\W_]+", text.lower())


def draw_rows(rows: Sequence[int], *, count: int, rng: np.random.Generator, what: str) -> list[int]:
    """Draw `count` of `rows` without replacement; they come in the table's order.

    Args:
        rows: row numbers.
        count: at least 1.
        rng: one draw.
        what: names the rows in an error: "with a picture, not of class 'dog'".

    Raises:
        InputError: `count` is below 1 or above the number of rows.
    """
    check_count(len(rows), count=count, what=what)
    return sorted(int(row) for row in rng.choice(np.asarray(rows, dtype=np.int64), size=count, replace=False))


def check_count(n_rows: int, *, count: int, what: str) -> None:
    """Refuse a count that cannot be poisoned.

    Raises:
        InputError: `count` is below 1 or above `n_rows`.
    """
    if count < 1:
        raise InputError(f"{count} rows to poison; give at least 1 (a rate times the rows may have rounded to none)")
    if count > n_rows:
        raise InputError(f"{count} rows to poison, but only {n_rows} training rows are {what}; lower count or rate")
