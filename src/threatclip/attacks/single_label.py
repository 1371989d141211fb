"""Poisoning II of Yang et al.: texts of class A find views of class B ("A2B")."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from threatclip.attacks.navigation import Concepts, Instances
from threatclip.attacks.surrogate import Surrogate
from threatclip.attacks.swap_plans import PAPER, check_construction, check_goal, constructed, label_swaps, resolved
from threatclip.attacks.truth import Poisoned
from threatclip.attacks.view_swaps import Construction, reused_rows
from threatclip.pairs.pair import Modality, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleLabel:
    """Every poisoned text of class A goes with a training view of class B, dealt evenly [section 3.2, attack II].

    It bites where class A is rare and most of it is poisoned: the truth's facts tell how many clean pairs are left.

    Attributes:
        queries: class A, whose words are poisoned.
        target: class B, whose views they shall find.
        construction: "replace" overwrites the views of A's rows, as the released code; "append" adds pairs, as the
            formula of the paper.
        drop_reused_targets: leave out the clean rows whose view was given away (off in the released code).
        concepts: "nearest" lets a surrogate choose the classes that are left empty [MP-Nav].
        instances: "center" lets a surrogate choose the pairs nearest their class's center [MP-Nav]; else at random.
    """

    kind: Literal["single_label"] = "single_label"
    queries: str = ""
    target: str = ""
    construction: Construction = "replace"
    drop_reused_targets: bool = False
    concepts: Concepts = "given"
    instances: Instances = "random"

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = PAPER

    def __post_init__(self) -> None:
        check_construction(self.construction, self.instances)
        check_goal(self.queries, self.target, concepts=self.concepts)

    def poison(
        self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator, surrogate: Surrogate | None = None
    ) -> Poisoned:
        """Poison `count` pairs.

        Args:
            clean: the pairs.
            count: pairs, not views: a picture with five captions makes five.
            rng: of units and of what each gets, in this order.
            surrogate: for `concepts` = "nearest" and `instances` = "center".

        Raises:
            InputError: too few pairs of class A, no view of class B, or a surrogate is needed.
        """
        goal = resolved(self.queries, self.target, clean, count=count, surrogate=surrogate, concepts=self.concepts)
        swaps, of_class = label_swaps(clean, goal, count=count, rng=rng, surrogate=surrogate, instances=self.instances)
        attack = dataclasses.replace(self, queries=goal.queries, target=goal.target, concepts="given")
        dropped = reused_rows(clean, swaps) if self.drop_reused_targets else []
        return constructed(attack, self.construction, clean, swaps, rng=rng, dropped=dropped, pairs_of_class=of_class)
