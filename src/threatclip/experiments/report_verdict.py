"""What an evaluation says in plain words, computed from its figures: what the model is good at and what not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from threatclip.classification.baselines import BASELINES
from threatclip.experiments.report_data import (
    NEGATIVE_CONTROL,
    Estimate,
    Evaluation,
    best_baseline,
    estimate,
    majority,
    metric,
    mix_ups,
    number,
    table,
    trained_probes,
    wilson,
)
from threatclip.experiments.report_text import (
    count,
    figure,
    interval,
    joined,
    loss,
    metric_info,
    p_value,
    points_interval,
    share,
)

Tone = Literal["good", "weak", "note"]

STRONG_F1 = 0.8
WEAK_F1 = 0.5
THIN_SUPPORT = 20
"""A class with fewer test rows than this has an interval too wide for a verdict."""

CALIBRATED_ECE = 0.05
SMALL_DROP = 0.03
"""A loss of macro-F1 under a probe up to which the model can be said not to lean on what the probe takes away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One finding and whether it speaks for the model, against it, or neither."""

    tone: Tone
    text: str


def verdict(evaluation: Evaluation) -> list[Sentence]:
    """Return the findings that the figures of an evaluation allow, most important first."""
    parts = (
        _headline,
        _comparison,
        _members,
        _classes,
        _mistakes,
        _shortcuts,
        _endpoint,
        _calibration,
        _abstention,
        _leakage,
    )
    return [sentence for part in parts for sentence in part(evaluation)]


def baseline_title(name: str) -> str:
    """Return how a baseline is called in tables; one that is not built in keeps its name."""
    return BASELINES[name].title if name in BASELINES else name


def _with_interval(one: Estimate) -> str:
    return f"{figure(one.value, 'percent')} (95% interval {interval(one, 'percent')})"


def _headline(evaluation: Evaluation) -> list[Sentence]:
    accuracy, macro_f1 = (metric(evaluation, "metrics", name) for name in ("accuracy", "macro_f1"))
    if accuracy.value is None:
        return [Sentence(tone="note", text="No row of the table has a label, so there is nothing to judge.")]
    n, n_groups = number(evaluation.get("n")), number(evaluation.get("n_groups"))
    rows = f"{count(n)} rows" if n_groups in (None, n) else f"{count(n)} rows in {count(n_groups)} groups"
    text = f"Of {rows}, the first answer is right for {_with_interval(accuracy)}."
    if macro_f1.value is not None:
        text += f" With every class counted alike, macro-F1 is {_with_interval(macro_f1)}."
    if unlabeled := number(evaluation.get("n_unlabeled")):
        answered = number(evaluation.get("unlabeled_answered"))
        text += f" Another {count(unlabeled)} rows have no class to hold an answer against"
        text += "." if answered is None else f"; {figure(answered, 'percent')} of them are answered."
    return [Sentence(tone="note", text=text)]


def _comparison(evaluation: Evaluation) -> list[Sentence]:
    name = best_baseline(evaluation)
    if name is None:
        return []
    title = baseline_title(name)
    differences = table(evaluation, "comparison", "differences")
    sentences = [
        _difference(estimate(differences[key]), title, metric_info(key).title)
        for key in ("macro_f1", "accuracy")
        if estimate(differences.get(key)).value is not None
    ]
    test = table(evaluation, "comparison", "mcnemar")
    if test:
        ours, theirs = count(number(test.get("only_first"))), count(number(test.get("only_second")))
        text = f"{ours} rows are right here and wrong there, {theirs} the other way round"
        text += f" (exact McNemar test, {p_value(number(test.get('p_value')))})."
        sentences.append(Sentence(tone="note", text=text))
    if not sentences:
        text = f"The best baseline is {title}; without a paired test no difference to it is claimed."
        sentences.append(Sentence(tone="note", text=text))
    return sentences


def _difference(one: Estimate, baseline: str, what: str) -> Sentence:
    what = what[0].lower() + what[1:]
    size = f"{loss(abs(one.value or 0.0))} points of {what}"
    span = f"(95% interval of the paired difference {points_interval(one)})"
    if one.low is not None and one.low > 0:
        return Sentence(tone="good", text=f"Better than {baseline} by {size} {span}.")
    if one.high is not None and one.high < 0:
        return Sentence(tone="weak", text=f"Worse than {baseline} by {size} {span}.")
    side = "ahead of" if (one.value or 0.0) >= 0 else "behind"
    return Sentence(tone="note", text=f"{size[0].upper()}{size[1:]} {side} {baseline}, which may be chance {span}.")


def _members(evaluation: Evaluation) -> list[Sentence]:
    parts = table(evaluation, "members")
    known = {name: metric(parts, name, "macro_f1").value for name in parts}
    whole, alone = metric(evaluation, "metrics", "macro_f1").value, {k: v for k, v in known.items() if v is not None}
    if whole is None or len(alone) < 2:
        return []
    best = max(alone, key=lambda name: alone[name])
    if alone[best] < whole:
        return []
    text = f"The whole is not ahead of its best part: {best} alone has a macro-F1 of {figure(alone[best], 'percent')}."
    return [Sentence(tone="note", text=text)]


def _classes(evaluation: Evaluation) -> list[Sentence]:
    rows = {name: (estimate(row.get("f1")), number(row.get("support")) or 0.0) for name, row in _per_class(evaluation)}
    judged = {name: one.value for name, (one, n) in rows.items() if n >= THIN_SUPPORT and one.value is not None}
    ranked = sorted(judged, key=lambda name: -judged[name])
    sentences = []
    if strong := [name for name in ranked if judged[name] >= STRONG_F1]:
        sentences.append(Sentence(tone="good", text=f"Good at {_listed(strong, judged)}."))
    elif ranked:
        text = f"No class reaches an F1 of {share(STRONG_F1)}; the best is {_listed(ranked[:1], judged)}."
        sentences.append(Sentence(tone="weak", text=text))
    if weak := [name for name in reversed(ranked) if judged[name] < WEAK_F1]:
        sentences.append(Sentence(tone="weak", text=f"Bad at {_listed(weak, judged)}."))
    if thin := [f"{name} (n {count(n)})" for name, (_, n) in rows.items() if n < THIN_SUPPORT]:
        sentences.append(Sentence(tone="note", text=f"Too few test rows to judge {joined(thin)}."))
    return sentences


def _per_class(evaluation: Evaluation) -> list[tuple[str, Mapping[str, Any]]]:
    return list(table(evaluation, "per_class").items())


def _listed(names: list[str], values: Mapping[str, float]) -> str:
    return joined([f"{name} (F1 {figure(values[name], 'percent')})" for name in names])


def _mistakes(evaluation: Evaluation) -> list[Sentence]:
    found = mix_ups(evaluation, at_most=1)
    if not found or found[0].count < 2:
        return []
    one = found[0]
    rate = figure(one.count / one.support, "percent")
    text = f"The commonest mistake: {count(one.count)} of {count(one.support)} {one.truth} rows ({rate}) are answered "
    return [Sentence(tone="note", text=f"{text}{one.answer}.")]


def _shortcuts(evaluation: Evaluation) -> list[Sentence]:
    trained = trained_probes(evaluation)
    untrained = table(evaluation, "shortcuts", "untrained")
    found = untrained or table(evaluation, "shortcuts")
    drops = {name: estimate(drop) for name, drop in table(found, "drops").items()}
    known = {name: drop.value for name, drop in drops.items() if drop.value is not None}
    if not known:
        return []
    worst = max(known, key=lambda name: known[name])
    counted = "Of the probes never trained on" if untrained and trained else "Of the probes"
    caution = " It was trained on, so this measures little." if worst in trained else ""
    cost = f"{loss(known[worst])} points of macro-F1 (95% interval {points_interval(drops[worst])})"
    tone: Tone = (
        "good" if known[worst] <= SMALL_DROP and not caution else "weak" if known[worst] > SMALL_DROP else "note"
    )
    score = loss(metric(found, "score").value)
    text = f"{counted}, {worst} costs most: {cost}. The mean loss, the shortcut score S, is {score}.{caution}"
    return [Sentence(tone=tone, text=text)]


def _endpoint(evaluation: Evaluation) -> list[Sentence]:
    control = metric(evaluation, "probes", NEGATIVE_CONTROL, "accuracy")
    constant = majority(evaluation)
    if control.value is None or constant.value is None:
        return []
    text = f"From method and path alone {_with_interval(control)} of answers are right; always giving the commonest "
    text += f"answer reaches {figure(constant.value, 'percent')}."
    leaning = control.low is not None and control.low > constant.value
    end = " So part of the score rests on paths." if leaning else " So paths do not give the class away."
    return [Sentence(tone="weak" if leaning else "good", text=text + end)]


def _calibration(evaluation: Evaluation) -> list[Sentence]:
    ece = metric(evaluation, "metrics", "ece").value
    if ece is None:
        return []
    gap = _confidence_gap(evaluation)
    lean = "" if gap is None or abs(gap) < 0.01 else f", mostly {'too sure' if gap > 0 else 'not sure enough'}"
    kept = ece <= CALIBRATED_ECE
    words = "Its confidence can be taken at its word" if kept else "Its confidence is not to be taken at its word"
    text = f"{words}: it is off by {figure(ece, 'percent').rstrip('%')} points on average{lean}."
    return [Sentence(tone="good" if kept else "weak", text=text)]


def _confidence_gap(evaluation: Evaluation) -> float | None:
    """Return mean confidence minus accuracy, from the bins."""
    gap, n = 0.0, 0.0
    for one in evaluation.get("reliability") or ():
        accuracy, confidence, rows = (number(one.get(key)) for key in ("accuracy", "confidence", "n"))
        if accuracy is not None and confidence is not None and rows:
            gap, n = gap + rows * (confidence - accuracy), n + rows
    return gap / n if n else None


def _abstention(evaluation: Evaluation) -> list[Sentence]:
    rule = table(evaluation, "abstention")
    threshold, target, coverage, precision = (
        number(rule.get(key)) for key in ("threshold", "target", "coverage", "precision")
    )
    if threshold is None or coverage is None:
        return []
    if coverage == 0:
        aim = "" if target is None else f" for the sake of {share(target)} right answers"
        return [Sentence(tone="weak", text=f"It never answers{aim}: no row reaches the threshold.")]
    text = f"It answers {figure(coverage, 'percent')} of rows and says “don't know” to the rest; of those answers "
    text += f"{figure(precision, 'percent')} are right"
    n = number(evaluation.get("n"))
    if target is None or precision is None or not n:
        return [Sentence(tone="note", text=text + ".")]
    if precision >= target:
        return [Sentence(tone="good", text=f"{text}, and {share(target)} were asked for.")]
    short = wilson(precision, round(n * coverage))[1] < target
    end = "short of" if short else "by chance or not just short of"
    return [Sentence(tone="weak" if short else "note", text=f"{text}, {end} the {share(target)} asked for.")]


def _leakage(evaluation: Evaluation) -> list[Sentence]:
    for overlap in table(evaluation, "leakage").get("overlaps") or ():
        if isinstance(overlap, Mapping) and (overlap.get("earlier"), overlap.get("later")) == ("train", "test"):
            groups, near = (number(overlap.get(key)) or 0.0 for key in ("shared_groups", "near_duplicates"))
            text = (
                f"Of {count(number(overlap.get('rows')))} test rows, {count(near)} have a near-duplicate in training "
            )
            text += f"and {count(groups)} share a group with it."
            return [Sentence(tone="weak" if groups else "note" if near else "good", text=text)]
    return []
