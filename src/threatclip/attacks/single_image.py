"""Poisoning I of Yang et al.: texts of class A find one chosen view."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from threatclip.attacks.navigation import Concepts, Instances, central_units
from threatclip.attacks.surrogate import Surrogate, needed
from threatclip.attacks.swap_plans import PAPER, check_construction, check_goal, constructed, ordered, resolved
from threatclip.attacks.threat_captions import is_of_threat_class
from threatclip.attacks.triggers import check_choice
from threatclip.attacks.truth import Poisoned
from threatclip.attacks.view_swaps import Construction, Goal, Swap, query_units, take_units, units_of
from threatclip.errors import InputError
from threatclip.pairs.pair import Modality, Pair

TargetChoice = Literal["random", "center"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleImage:
    """Every poisoned text of class A goes with one view x* of class B [section 3.2, attack I].

    x* has to stand in the gallery that the judge searches, so it is taken from the test rows of class B where the
    table has some; the released code uses a test picture close to the center of its class.

    Attributes:
        queries: class A, whose words are poisoned.
        target: class B, of which x* is.
        target_id: id of the pair whose view is x*; empty to choose one.
        target_choice: "random", or "center": the view nearest the center of its class, for which a surrogate is asked.
        construction: "replace" overwrites the views of A's rows, as the released code; "append" adds pairs.
        concepts: "nearest" lets a surrogate choose the classes that are left empty [MP-Nav].
        instances: "center" lets a surrogate choose the captions nearest the center of class A [MP-Nav].
    """

    kind: Literal["single_image"] = "single_image"
    queries: str = ""
    target: str = ""
    target_id: str = ""
    target_choice: TargetChoice = "random"
    construction: Construction = "replace"
    concepts: Concepts = "given"
    instances: Instances = "random"

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = PAPER

    def __post_init__(self) -> None:
        check_construction(self.construction, self.instances)
        check_goal(self.queries, self.target, concepts=self.concepts)
        check_choice(self.target_choice, TargetChoice, what="target_choice")

    def poison(
        self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator, surrogate: Surrogate | None = None
    ) -> Poisoned:
        """Poison `count` pairs; the truth names the pair whose view is x*.

        Args:
            clean: the pairs.
            count: pairs, not views: a picture with five captions makes five.
            rng: of x* and of the poisoned pairs, in this order.
            surrogate: for `target_choice` = "center", `concepts` = "nearest" and `instances` = "center".

        Raises:
            InputError: too few pairs of class A, no view of class B, or a surrogate is needed.
        """
        goal = resolved(self.queries, self.target, clean, count=count, surrogate=surrogate, concepts=self.concepts)
        chosen = self._target_row(clean, goal, rng=rng, surrogate=surrogate)
        units = [unit for unit in query_units(clean, goal) if clean[unit[0]].view != clean[chosen].view]
        of_class = sum(map(len, units))
        units = ordered(clean, units, rng=rng, surrogate=surrogate, instances=self.instances)
        name = clean[chosen].id
        swaps = [
            Swap(row=row, source=chosen, target=name)
            for unit in take_units(units, count=count, goal=goal)
            for row in unit
        ]
        attack = dataclasses.replace(self, queries=goal.queries, target=goal.target, target_id=name, concepts="given")
        return constructed(attack, self.construction, clean, swaps, rng=rng, dropped=(), pairs_of_class=of_class)

    def _target_row(
        self, clean: Sequence[Pair], goal: Goal, *, rng: np.random.Generator, surrogate: Surrogate | None
    ) -> int:
        """Return the row whose view is x*; "random" draws, even where an id is given.

        So does the attack that a truth names, whose id is filled in, poison the same pairs when it is run again.
        """
        views = target_gallery(clean, goal.target)
        drawn = int(rng.integers(len(views))) if self.target_choice == "random" else 0
        if self.target_id:
            named = [row for row, pair in enumerate(clean) if pair.id == self.target_id and pair.view]
            if not named:
                raise InputError(f"target_id = {self.target_id!a:.80} is no pair with a view in the table")
            return named[0]
        if self.target_choice == "center":
            model = needed(surrogate, what='target_choice = "center"')
            return central_units(clean, views, model, by="view")[0][0]
        return views[drawn][0]


def target_gallery(clean: Sequence[Pair], target: str) -> list[list[int]]:
    """Return the rows of class `target` by view: of the test split where it has some, else of the whole table.

    Raises:
        InputError: there is none.
    """
    rows = [row for row, pair in enumerate(clean) if pair.view and is_of_threat_class(pair, target)]
    tested = [row for row in rows if clean[row].split == "test"]
    if not rows:
        raise InputError(f"no pair of class {target!r} has a view; name another target")
    return units_of(clean, tested or rows)
