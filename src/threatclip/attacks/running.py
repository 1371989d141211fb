"""Running any attack of the union: its trigger fitted first where one is to be fitted, with records."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from threatclip.attacks.choice import trainable
from threatclip.attacks.contracts import TriggerStep
from threatclip.attacks.truth import Poisoned
from threatclip.errors import InputError
from threatclip.pairs.pair import Modality, Pair

if TYPE_CHECKING:
    from threatclip.attacks import Attack
    from threatclip.attacks.surrogate import Surrogate


def run_attack(
    attack: Attack,
    clean: Sequence[Pair],
    *,
    count: int,
    rng: np.random.Generator,
    surrogate: Surrogate | None = None,
    on_step: Callable[[TriggerStep], None] | None = None,
) -> Poisoned:
    """Poison `count` rows by any attack; the same generator gives the same as its own `poison`.

    Args:
        attack: of any kind.
        clean: the pairs.
        count: rows.
        rng: of the fit, then of everything else.
        surrogate: for attacks that look into a model; others do not get it.
        on_step: told of every step of fitting a trigger.

    Raises:
        InputError: too few rows, or the attack needs a surrogate and there is none.
    """
    chosen: Any = attack
    if hasattr(attack, "fit_trigger") and surrogate is not None:
        for step in attack.fit_trigger(clean, rng=rng, surrogate=surrogate):
            chosen = chosen if step.attack is None else step.attack
            if on_step is not None:
                on_step(step)
    looks = {"surrogate": surrogate} if looks_into_models(attack) else {}
    poisoned: Poisoned = chosen.poison(clean, count=count, rng=rng, **looks)
    return poisoned


def looks_into_models(attack: Attack | type[Attack]) -> bool:
    """Tell whether an attack, under some of its settings, wants a surrogate."""
    return "surrogate" in inspect.signature(attack.poison).parameters


def check_modality(attack: Attack, modality: Modality) -> None:
    """Refuse a table whose views an attack cannot poison.

    Raises:
        InputError: see above.
    """
    if modality not in attack.modalities:
        raise InputError(
            f"attack {attack.kind} poisons {' and '.join(attack.modalities)} pairs, the table holds {modality} pairs"
        )


def count_of(clean: Sequence[Pair], rate: float) -> int:
    """Return how many rows a rate of the training rows is, rounded to the nearest number.

    Raises:
        InputError: the rate is not above 0 and up to 1, or rounds to no row.
    """
    if not 0 < rate <= 1:
        raise InputError(f"rate = {rate}; choose above 0, up to 1, as a share of the training rows")
    rows = len(trainable(clean))
    count = math.floor(rate * rows + 0.5)
    if not count:
        raise InputError(f"a rate of {rate} of {rows:,} training rows is no row; raise it, or give a count")
    return count
