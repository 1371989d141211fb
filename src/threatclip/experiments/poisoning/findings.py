"""What a sweep says in plain words: which attacks take, at which dose, and at what price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from threatclip.evaluation.intervals import Metric
from threatclip.experiments.poisoning.doses import Dose, by_attack
from threatclip.experiments.report_data import Estimate, estimate
from threatclip.experiments.report_text import count, figure, interval, points, points_interval

TAKEN_ASR = 0.9
"""An attack with a trigger has taken where so many triggered rows get the target."""
TAKEN_HIT = 0.7
"""An attack on queries has taken where so many find a target among the first ten [Yang 2023, table 2 and below]."""

Word = Literal["takes", "partly", "no effect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One attack of a sweep in one sentence; `tone` is the style sheet's name for the word."""

    word: Word
    text: str

    @property
    def tone(self) -> str:
        """How the word is painted: as bad news for the model, or not."""
        return "weak" if self.word == "takes" else "good" if self.word == "no effect" else "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reach:
    """How far one dose reached: the figure, its gain over the clean model, and the same of the clean model."""

    dose: Dose
    own: Metric
    gain: Metric
    clean: Metric


def findings(doses: Sequence[Dose]) -> list[Finding]:
    """Return one finding for each attack, in the order of its first line."""
    judged = [dose for dose in doses if dose.line.attack is not None and _reach(dose) is not None]
    return [_finding(line) for line in by_attack(judged).values()]


def _finding(doses: Sequence[Dose]) -> Finding:
    reached = sorted((one for one in map(_reach, doses) if one is not None), key=lambda one: one.dose.count)
    enough = TAKEN_HIT if reached[0].dose.goals else TAKEN_ASR
    taken = next((one for one in reached if one.own.value >= enough and one.gain.low > 0), None)
    if taken is not None:
        return Finding(word="takes", text=f"{_told(taken)} {_price(taken.dose)}")
    best = max((one for one in reached if one.gain.low > 0), key=lambda one: one.own.value, default=None)
    if best is not None:
        return Finding(word="partly", text=f"{_told(best)} No dose with a gain reaches {figure(enough, 'percent')}.")
    most = reached[-1].dose
    done = "the queries find" if most.goals else "the trigger does"
    text = f"{most.title}: up to {_amount(most)}, not shown to differ from what {done} with the clean model."
    return Finding(word="no effect", text=text)


def _reach(dose: Dose) -> _Reach | None:
    """Return the figure that tells success; of several goals the one that is reached least, since all are wanted."""
    names = [(f"{goal}hit_10", f"{goal}clean_hit_10") for goal in dose.goals] or [("asr_1", "asr_floor_1")]
    found = [
        _Reach(dose=dose, own=dose.metrics[own], gain=dose.gain[own], clean=dose.metrics[clean])
        for own, clean in names
        if own in dose.gain
    ]
    return min(found, key=lambda one: one.own.value, default=None)


def _told(one: _Reach) -> str:
    own = f"{_percent(estimate(one.own.as_dict()))}"
    clean = figure(one.clean.value, "percent")
    if one.dose.goals:
        least = " of the goal that is reached least" if len(one.dose.goals) > 1 else ""
        what = f"{own} of the queries{least} find a target among the first ten, {clean} with the clean model."
    else:
        what = f"{own} of triggered rows get the target, {clean} with the clean model."
    return f"{one.dose.title}: at {_amount(one.dose)}, {what}"


def _price(dose: Dose) -> str:
    kept = "i2t_r_10" if dose.goals else "clean_accuracy_1"
    name = "Recall@10 from views to captions" if dose.goals else "Clean accuracy"
    if kept not in dose.change:
        return ""
    change = estimate(dose.change[kept].as_dict())
    return f"{name}: {points(change.value)} points ({points_interval(change)})."


def _percent(one: Estimate) -> str:
    return f"{figure(one.value, 'percent')} ({interval(one, 'percent')})"


def _amount(dose: Dose) -> str:
    return f"{count(dose.count)} poisons ({100 * dose.rate:.2g}% of the pairs)"
