"""Which pairs the poisonings of Yang et al. take, and how they build the table from them."""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np

from threatclip.attacks.navigation import Concepts, Instances, central_units, nearest_goal
from threatclip.attacks.surrogate import Surrogate, needed
from threatclip.attacks.triggers import check_choice
from threatclip.attacks.truth import Poisoned
from threatclip.attacks.view_swaps import (
    Construction,
    Goal,
    Swap,
    Unit,
    appended,
    dealt,
    query_units,
    replaced,
    take_units,
    target_units,
)
from threatclip.pairs.pair import Pair

PAPER = "Yang 2023 (arXiv 2209.15266); selection after MP-Nav (ICML 2025)"


def check_construction(construction: Construction, instances: Instances) -> None:
    """Refuse what is none of the choices.

    Raises:
        InputError: see above.
    """
    check_choice(construction, Construction, what="construction")
    check_choice(instances, Instances, what="instances")


def check_goal(queries: str, target: str, *, concepts: Concepts) -> None:
    """Refuse classes that are not named though nobody else chooses them.

    Raises:
        InputError: a class is missing, both are one, or `concepts` is no choice.
    """
    check_choice(concepts, Concepts, what="concepts")
    if concepts == "given":
        Goal(queries=queries, target=target)


def resolved(
    queries: str,
    target: str,
    clean: Sequence[Pair],
    *,
    count: int,
    surrogate: Surrogate | None,
    concepts: Concepts,
    taken: Sequence[str] = (),
) -> Goal:
    """Return the goal as given, or as a surrogate chooses it.

    Raises:
        InputError: a surrogate is needed, or it has nothing to choose from.
    """
    if concepts == "given":
        return Goal(queries=queries, target=target)
    model = needed(surrogate, what='concepts = "nearest"')
    return nearest_goal(clean, queries=queries, target=target, count=count, surrogate=model, taken=taken)


def label_swaps(
    clean: Sequence[Pair],
    goal: Goal,
    *,
    count: int,
    rng: np.random.Generator,
    surrogate: Surrogate | None,
    instances: Instances,
    used: Container[int] = (),
) -> tuple[list[Swap], int]:
    """Choose `count` pairs of class A and deal them views of class B, one a unit.

    Returns:
        the swaps, and the number of captioned training pairs of class A.

    Raises:
        InputError: too few pairs of class A, no view of class B, or a surrogate is needed.
    """
    asked = [[row for row in unit if row not in used] for unit in query_units(clean, goal)]
    asked = [unit for unit in asked if unit]
    given = target_units(clean, goal)
    of_class = sum(map(len, asked))
    taken = take_units(ordered(clean, asked, rng=rng, surrogate=surrogate, instances=instances), count=count, goal=goal)
    if instances == "center":
        given = central_units(clean, given, needed(surrogate, what='instances = "center"'), by="view")[: len(taken)]
    sources = dealt([unit[0] for unit in given], len(taken), rng=rng)
    swaps = [
        Swap(row=row, source=source, target=goal.target)
        for unit, source in zip(taken, sources, strict=True)
        for row in unit
    ]
    return swaps, of_class


def ordered(
    clean: Sequence[Pair],
    units: Sequence[Unit],
    *,
    rng: np.random.Generator,
    surrogate: Surrogate | None,
    instances: Instances,
) -> list[Unit]:
    """Return units in the order in which they are poisoned: at random, or those nearest their center first.

    Raises:
        InputError: a surrogate is needed.
    """
    if instances == "center" and units:
        return central_units(clean, units, needed(surrogate, what='instances = "center"'), by="caption")
    return [units[place] for place in rng.permutation(len(units)).tolist()]


def constructed(
    attack: object,
    construction: Construction,
    clean: Sequence[Pair],
    swaps: Sequence[Swap],
    *,
    rng: np.random.Generator,
    dropped: Sequence[int],
    pairs_of_class: int,
) -> Poisoned:
    """Replace or append; see `view_swaps`."""
    if construction == "append":
        return appended(attack, clean, swaps, rng=rng, dropped=dropped, pairs_of_class=pairs_of_class)
    return replaced(attack, clean, swaps, dropped=dropped, pairs_of_class=pairs_of_class)
