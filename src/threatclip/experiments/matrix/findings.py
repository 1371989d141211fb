"""What a matrix says in plain words: which defense leaves least of each attack, and whether that is enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from threatclip.experiments.matrix.summary import Attacked, Frontier, Summary
from threatclip.experiments.report_data import estimate
from threatclip.experiments.report_text import figure, interval, points, points_interval

GOAL_LEFT, GOAL_LOSS = 0.03, 0.03
"""An attack is erased where no more success is left than this, at no more loss of clean accuracy than this."""

Word = Literal["erased", "weakened", "stays"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One attack of a matrix in a few sentences; `tone` is the style sheet's name for the word."""

    word: Word
    text: str

    @property
    def tone(self) -> str:
        """How the word is painted: as good or as bad news for the model's owner."""
        return {"erased": "good", "weakened": "note", "stays": "weak"}[self.word]


def findings(summary: Summary) -> list[Finding]:
    """Return one finding for each attack that a defense was tried on."""
    return [
        _finding(attack, [one for one in attack.frontiers if one.chosen is not None])
        for attack in summary.attacks
        if any(one.chosen is not None for one in attack.frontiers)
    ]


def _finding(attack: Attacked, tried: Sequence[Frontier]) -> Finding:
    best = min(tried, key=lambda one: (_is_dear(one), _left(one, attack), one.defense))
    chosen = best.chosen
    if chosen is None:
        raise ValueError("a finding needs a defense with a chosen learning rate")
    own, before = chosen.metrics[attack.reach], attack.bare.metrics[attack.reach]
    change, price = chosen.change.get(attack.reach), chosen.change.get("clean_accuracy_1")
    floor = attack.bare.metrics.get("asr_floor_1" if attack.reach == "asr_1" else "clean_hit_10")
    erased = own.value <= GOAL_LEFT and price is not None and price.value >= -GOAL_LOSS
    word: Word = "erased" if erased else "weakened" if change is not None and change.high < 0 else "stays"
    left = f"{figure(own.value, 'percent')} ({interval(estimate(own.as_dict()), 'percent')})"
    floor_told = f"; floor {figure(floor.value, 'percent')}" if floor is not None else ""
    text = f"{attack.line}: {best.defense} leaves least, {left} of {figure(before.value, 'percent')}{floor_told}"
    if price is not None:
        text += f", at {points(price.value)} points of clean accuracy ({points_interval(estimate(price.as_dict()))})"
    return Finding(word=word, text=f"{text}.")


def _is_dear(one: Frontier) -> bool:
    """Tell whether a defense costs more accuracy than the goal allows: where one does not, it goes first."""
    price = None if one.chosen is None else one.chosen.change.get("clean_accuracy_1")
    return price is None or price.value < -GOAL_LOSS


def _left(one: Frontier, attack: Attacked) -> float:
    return one.chosen.metrics[attack.reach].value if one.chosen is not None else 1.0
