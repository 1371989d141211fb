"""What the attacker does in a sweep: fit the trigger where the attack looks into a model, and plant the pairs."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from threatclip.attacks import Attack
from threatclip.attacks.surrogate import DualSurrogate
from threatclip.attacks.truth import Truth, write_truth
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """Poisoned training pairs for the victim; attack (with its fitted trigger) and truth for the judge."""

    pairs: tuple[Pair, ...]
    attack: Attack
    truth: Truth


def plant(attack: Attack, clean: Sequence[Pair], victim: Path, *, count: int, seed: int) -> Planted:
    """Poison `count` training rows of `clean`.

    Args:
        attack: a white-box one looks into the victim, as its paper has it.
        clean: the pool and the test rows: the one picture that attack I makes found stands in the searched gallery.
        victim: bundle of the clean victim.
        count: rows.
        seed: streams "sweep/fit" and "sweep/poison".

    Raises:
        InputError: the attack does not fit the pairs, or the count is too large.
    """
    chosen: Any = attack
    looks: dict[str, Any] = {}
    if "surrogate" in inspect.signature(attack.poison).parameters:
        looks["surrogate"] = DualSurrogate(DualBundle.load(victim).dual)
    if hasattr(attack, "fit_trigger"):
        for step in attack.fit_trigger(clean, rng=rng(seed, "sweep/fit"), surrogate=looks["surrogate"]):
            chosen = step.attack if step.attack is not None else chosen
    done = chosen.poison(clean, count=count, rng=rng(seed, "sweep/poison"), **looks)
    learned = tuple(pair for pair in done.pairs if pair.split == "train")
    return Planted(pairs=learned, attack=chosen, truth=replace(done.truth, seed=seed))


def write_truth_anew(path: Path, truth: Truth) -> None:
    """Write the truth of a cell; one that an earlier, unfinished run of the cell left is the same, or stale."""
    path.unlink(missing_ok=True)
    write_truth(path, truth)
