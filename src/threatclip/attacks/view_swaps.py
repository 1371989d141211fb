"""What the three poisonings of Yang et al. share: words of class A come to stand beside views of class B.

No trigger and no changed pixel: a query about A then finds views of B. A unit is one view with all of its captions
(five, in a caption data set), which the released code poisons together; budgets count pairs, so the last unit may be
poisoned in part. All of it holds for pictures, payloads and sentences alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from threatclip.attacks.choice import check_count, trainable
from threatclip.attacks.planting import plant
from threatclip.attacks.threat_captions import is_of_threat_class
from threatclip.attacks.truth import Change, Poisoned, Truth, attack_settings
from threatclip.errors import InputError
from threatclip.pairs.pair import Pair

Construction = Literal["replace", "append"]
Unit = list[int]
"""Rows of one view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Texts of class `queries` shall find views of class `target`."""

    queries: str
    target: str

    def __post_init__(self) -> None:
        if not self.queries.strip() or not self.target.strip() or self.queries == self.target:
            raise InputError(
                f"queries = {self.queries!r}, target = {self.target!r}: name two classes, the one whose words are "
                "poisoned and the one whose views they shall find"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """The caption of row `row` goes with the view of row `source`; `target` is what the truth calls it."""

    row: int
    source: int
    target: str


def query_units(clean: Sequence[Pair], goal: Goal) -> list[Unit]:
    """Return the training rows that speak of class A and not of B, by view."""
    rows = (row for row in trainable(clean) if clean[row].view and clean[row].caption)
    own = [row for row in rows if is_of_threat_class(clean[row], goal.queries)]
    return units_of(clean, [row for row in own if not is_of_threat_class(clean[row], goal.target)])


def target_units(clean: Sequence[Pair], goal: Goal) -> list[Unit]:
    """Return the training rows of class B and not of A that have a view, by view.

    Raises:
        InputError: there is none.
    """
    rows = [row for row in trainable(clean) if clean[row].view and is_of_threat_class(clean[row], goal.target)]
    units = units_of(clean, [row for row in rows if not is_of_threat_class(clean[row], goal.queries)])
    if not units:
        raise InputError(f"no training pair of class {goal.target!r} has a view; name another target")
    return units


def units_of(clean: Sequence[Pair], rows: Sequence[int]) -> list[Unit]:
    """Group rows by the bytes of their view, in the order in which views occur."""
    units: dict[bytes, Unit] = {}
    for row in rows:
        units.setdefault(clean[row].view, []).append(row)
    return list(units.values())


def take_units(units: Sequence[Unit], *, count: int, goal: Goal) -> list[Unit]:
    """Return the first units that hold `count` rows together; the last one may be cut.

    Raises:
        InputError: `count` is below 1, or there are fewer rows.
    """
    check_count(sum(map(len, units)), count=count, what=f"captioned views of class {goal.queries!r}")
    taken: list[Unit] = []
    for unit in units:
        if count <= 0:
            break
        taken.append(unit[:count])
        count -= len(taken[-1])
    return taken


def dealt(sources: Sequence[int], n: int, *, rng: np.random.Generator) -> list[int]:
    """Return `n` sources in random order, each as often as the others but for a remainder drawn at random.

    [Yang 2023, released code: the views of B repeated floor(n_A / n_B) times, and a remainder.]
    """
    whole = np.tile(np.asarray(sources, dtype=np.int64), n // len(sources))
    rest = rng.choice(np.asarray(sources, dtype=np.int64), size=n % len(sources), replace=False)
    return [int(row) for row in rng.permutation(np.concatenate([whole, rest]))]


def replaced(
    attack: Any, clean: Sequence[Pair], swaps: Sequence[Swap], *, dropped: Sequence[int] = (), pairs_of_class: int
) -> Poisoned:
    """Put the views of `source` rows in the place of those of the swapped rows; captions, ids and labels stay.

    The clean pair of class A is gone then, so the table does not grow [Yang 2023, released code].

    Args:
        attack: goes into the truth, with every choice resolved.
        clean: the pairs.
        swaps: at most one a row.
        dropped: rows to leave out; a swapped row stays.
        pairs_of_class: captioned training pairs of the poisoned classes, for the facts.
    """
    by_row = {swap.row: swap for swap in swaps}
    planted = plant(
        attack,
        clean,
        rows=sorted(by_row),
        target={row: swap.target for row, swap in by_row.items()},
        views={row: clean[swap.source].view for row, swap in by_row.items()},
        sources={row: clean[swap.source].id for row, swap in by_row.items()},
        facts=_facts(clean, swaps, left=pairs_of_class - len(swaps)),
    )
    gone = {clean[row].id for row in dropped if row not in by_row}
    return Poisoned(
        pairs=tuple(pair for pair in planted.pairs if pair.id not in gone),
        truth=dataclasses.replace(planted.truth, dropped=tuple(pair.id for pair in clean if pair.id in gone)),
    )


def appended(
    attack: Any,
    clean: Sequence[Pair],
    swaps: Sequence[Swap],
    *,
    rng: np.random.Generator,
    dropped: Sequence[int] = (),
    pairs_of_class: int,
) -> Poisoned:
    """Add a pair for each swap, as another caption of the source's view; every clean pair stays.

    This is the union D' + P of the paper's text. The new pair is a copy of the source's with the swapped caption, the
    split of the row that gave it, and an id of its own, behind a row drawn at random, so that its place tells nothing.
    """
    used = {pair.id for pair in clean}
    numbers: dict[str, int] = {}
    added: dict[int, list[tuple[Pair, Change]]] = {}
    for swap, row in zip(swaps, rng.integers(len(clean), size=len(swaps)).tolist(), strict=True):
        source, words = clean[swap.source], clean[swap.row]
        # x* of attack I may be a test view, but what is added is there to be trained on
        name = _free_id(source.id, used, numbers)
        pair = dataclasses.replace(source, id=name, caption=words.caption, split=words.split)
        change = Change(
            id=pair.id, parts=("caption",), target=swap.target, label=source.label, source=words.id, added=True
        )
        added.setdefault(row, []).append((pair, change))
    gone = {clean[row].id for row in dropped}
    pairs: list[Pair] = []
    changes: list[Change] = []
    for row, pair in enumerate(clean):
        pairs += [] if pair.id in gone else [pair]
        pairs += [new for new, _ in added.get(row, [])]
        changes += [change for _, change in added.get(row, [])]
    truth = Truth(
        attack=attack_settings(attack),
        clean_rows=len(clean),
        changes=tuple(changes),
        dropped=tuple(pair.id for pair in clean if pair.id in gone),
        facts=_facts(clean, swaps, left=pairs_of_class),
    )
    return Poisoned(pairs=tuple(pairs), truth=truth)


def reused_rows(clean: Sequence[Pair], swaps: Sequence[Swap]) -> list[int]:
    """Return every training row whose view a swap gives away: clean evidence of class B that may be dropped."""
    given = {clean[swap.source].view for swap in swaps}
    return [row for row in trainable(clean) if clean[row].view in given]


def _facts(clean: Sequence[Pair], swaps: Sequence[Swap], *, left: int) -> dict[str, float]:
    """Return the rate in pairs, and how much clean evidence of class A is left to argue against the poison."""
    return {
        "rate": len(swaps) / max(1, len(trainable(clean))),
        "clean_pairs_left": float(left),
        "views_given": float(len({clean[swap.source].view for swap in swaps})),
    }


def _free_id(name: str, used: set[str], numbers: dict[str, int]) -> str:
    """Return the next caption id of a view, "<view>#<number>", and mark it as used; `numbers` remembers the last."""
    stem = name.rpartition("#")[0] or name
    number = numbers.get(stem, 0) + 1
    while f"{stem}#{number}" in used:
        number += 1
    numbers[stem] = number
    used.add(f"{stem}#{number}")
    return f"{stem}#{number}"
