"""Poisoning III of Yang et al.: several goals at once, each texts of one class that find views of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from threatclip.attacks.choice import check_count
from threatclip.attacks.navigation import Instances
from threatclip.attacks.surrogate import Surrogate
from threatclip.attacks.swap_plans import PAPER, check_construction, constructed, label_swaps
from threatclip.attacks.triggers import check_choice
from threatclip.attacks.truth import Poisoned
from threatclip.attacks.view_swaps import Construction, Goal, Swap, query_units, reused_rows
from threatclip.errors import InputError
from threatclip.pairs.pair import Modality, Pair

Dropped = Literal["none", "last", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiLabel:
    """The union of goals A_i to B_i, each built as attack II on rows that no other goal uses [section 3.2, attack III].

    Success means that every goal is reached, so the judge reports each by itself.

    Attributes:
        queries: the classes A_i; no class twice.
        targets: the classes B_i, in the same order.
        construction: "replace" overwrites the views of A's rows, as the released code; "append" adds pairs.
        drop_reused_targets: leave out the clean rows whose view was given away: of the last goal alone, as the released
            code does without saying so ("last"), of every goal ("all"), or of none.
        instances: "center" lets a surrogate choose the pairs nearest their class's center [MP-Nav].
    """

    kind: Literal["multi_label"] = "multi_label"
    queries: tuple[str, ...]
    targets: tuple[str, ...]
    construction: Construction = "replace"
    drop_reused_targets: Dropped = "none"
    instances: Instances = "random"

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = PAPER

    def __post_init__(self) -> None:
        check_construction(self.construction, self.instances)
        check_choice(self.drop_reused_targets, Dropped, what="drop_reused_targets")
        if len(self.queries) != len(self.targets) or len(set(self.queries)) != len(self.queries) or not self.queries:
            raise InputError(f"queries = {self.queries} and targets = {self.targets}: name as many, no query twice")
        self.goals()

    def goals(self) -> tuple[Goal, ...]:
        """Return the pairs of classes, in order."""
        return tuple(Goal(queries=one, target=other) for one, other in zip(self.queries, self.targets, strict=True))

    def poison(
        self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator, surrogate: Surrogate | None = None
    ) -> Poisoned:
        """Poison `count` pairs, divided evenly over the goals; the first ones get what is over.

        Args:
            clean: the pairs.
            count: pairs of all goals together.
            rng: of the goals' units and what each gets, goal by goal.
            surrogate: for `instances` = "center".

        Raises:
            InputError: fewer pairs than goals, too few of a class A, no view of a class B, or a surrogate is needed.
        """
        goals = self.goals()
        told = {row for goal in goals for unit in query_units(clean, goal) for row in unit}
        check_count(len(told), count=count, what=f"captioned views of classes {', '.join(self.queries)}")
        if count < len(goals):
            raise InputError(f"{count} rows to poison for {len(goals)} goals; give each at least 1")
        by_goal: list[list[Swap]] = []
        used: set[int] = set()
        of_classes = 0
        for number, goal in enumerate(goals):
            share = count // len(goals) + (number < count % len(goals))
            swaps, of_class = label_swaps(
                clean, goal, count=share, rng=rng, surrogate=surrogate, instances=self.instances, used=used
            )
            by_goal.append(swaps)
            used |= {swap.row for swap in swaps}
            of_classes += of_class
        chosen = [swap for swaps in by_goal for swap in swaps]
        dropped = {"none": [], "last": by_goal[-1], "all": chosen}[self.drop_reused_targets]
        return constructed(
            self,
            self.construction,
            clean,
            chosen,
            rng=rng,
            dropped=reused_rows(clean, dropped),
            pairs_of_class=of_classes,
        )
