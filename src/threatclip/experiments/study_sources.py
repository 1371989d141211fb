"""Rows from elsewhere: accuracy on attacks of other sources, false positives on harmless requests."""

from __future__ import annotations

from collections.abc import Sequence

from threatclip.evaluation.metrics import accuracy
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.summary import MetricFunction
from threatclip.experiments.report_text import DASH, count
from threatclip.experiments.study_cells import POOL, SVC, TEST, StudyCells
from threatclip.experiments.study_figures import (
    Judge,
    answer_shares,
    answered_share,
    mean_sd,
    present_classes,
    recall_of,
    wilson,
)
from threatclip.experiments.study_headline import model_title, subjects, threshold_text
from threatclip.experiments.study_markdown import escape, percent, shown, table, with_interval

_N_ANSWERS = 6  # classes that a line of answers names


def other_sources(cells: StudyCells, judge: Judge) -> list[str]:
    """Return, for each other table, accuracy and recalls where it has labels, else its false positives."""
    blocks = []
    for other in cells.study.tables:
        found = _subjects(cells, other.name)
        blocks.append(f"### {escape(other.name)}")
        if not found:
            blocks.append("No finished cell has read this table.")
        elif present_classes(found[0][1][0]):
            blocks += _attacks(cells, judge, other.name, found)
        else:
            blocks += _harmless(cells, other.name, found)
    return ["## Other sources", *blocks] if blocks else []


def _subjects(cells: StudyCells, rows: str) -> list[tuple[str, list[Predictions]]]:
    more = [
        (cells.label(one.name), cells.predictions(one.name, POOL, rows))
        for one in cells.study.variations
        if one.tables and one.model == "recipe" and one.name != cells.reference
    ]
    return subjects(cells, rows) + [(title, answers) for title, answers in more if answers]


def _attacks(cells: StudyCells, judge: Judge, name: str, found: Sequence[tuple[str, list[Predictions]]]) -> list[str]:
    support = present_classes(found[0][1][0])
    metrics: dict[str, MetricFunction] = {f"recall {one}": recall_of(one) for one in support}
    rows = []
    for title, answers in found:
        measured = judge.mean(answers, {"accuracy": accuracy, **metrics})
        rows.append([title, *(with_interval(one) for one in measured.values())])
    blocks = [
        f"{count(sum(support.values()))} attacks. Accuracy and recall of each class, means over seeds; macro-F1 would "
        "count every class that is never here.",
        table(("model", "accuracy", *(f"recall {one} ({n})" for one, n in support.items())), rows),
    ]
    ours, theirs = cells.predictions(cells.reference, POOL, name), cells.predictions(cells.baselines, SVC, name)
    gap = judge.difference(ours, theirs, {"accuracy": accuracy}).get("accuracy")
    if gap:
        words = shown(gap, what="accuracy")
        blocks.append(f"Against {escape(model_title(SVC, pool=''))}, {escape(cells.reference)} is {words}.")
    return blocks


def thresholds(cells: StudyCells, variation: str) -> list[float]:
    """Return the abstention threshold of each finished seed of a variation that has one."""
    rules = [cell.facts.get("abstention") for cell in cells.of(variation)]
    return [rule["threshold"] for rule in rules if rule]


def _harmless(cells: StudyCells, name: str, found: Sequence[tuple[str, list[Predictions]]]) -> list[str]:
    ours = thresholds(cells, cells.reference)
    if not ours:
        return ["No finished cell has an abstention threshold."]
    common = mean_sd(ours)[0]
    rows = []
    for variation in (cells.reference, *_with_tables(cells)):
        rows += _own_threshold(cells, variation, name)
    for model in cells.models(cells.baselines):
        answers, attacks = (cells.predictions(cells.baselines, model, rows_) for rows_ in (name, TEST))
        if answers:
            shares = [answered_share(one, common) for one in answers]
            covered = [answered_share(one, common) for one in attacks]
            rows.append(
                _share_row(model_title(model, pool=""), len(answers[0]), threshold_text(common), shares, covered)
            )
    n = len(found[0][1][0])
    return [
        f"{count(n)} harmless rows. The right answer is none: a row answered at the model's abstention threshold is a "
        "false positive (Wilson intervals; the mean's is that of the mean share over these rows). Baselines have no "
        f"rule of their own: theirs is the share above the mean threshold of {escape(cells.reference)}. The last "
        "column says how many test attacks the same threshold answers.",
        table(("model", "threshold", "answered (false positives)", "by seed", "test rows answered"), rows),
        "What is said about these rows if an answer is forced, share of rows:",
        table(("model", "answers"), [[title, _most_frequent(answers)] for title, answers in found], n_text=2),
    ]


def _with_tables(cells: StudyCells) -> list[str]:
    return [
        one.name
        for one in cells.study.variations
        if one.tables and one.model == "recipe" and one.name != cells.reference
    ]


def _own_threshold(cells: StudyCells, variation: str, name: str) -> list[list[str]]:
    """Return a line for each seed of a variation at its own threshold, and one for their mean."""
    lines, shares, covered, n = [], [], [], 0
    for seed, cell in zip(cells.seeds(variation), cells.of(variation), strict=True):
        rule, answers, attacks = (
            cell.facts.get("abstention"),
            cell.predictions(POOL, name),
            cell.predictions(POOL, TEST),
        )
        if rule is None or answers is None:
            continue
        n = len(answers)
        shares.append(answered_share(answers, rule["threshold"]))
        covered += [answered_share(attacks, rule["threshold"])] if attacks else []
        title = f"{variation}, seed {seed}"
        lines.append(_share_row(title, n, threshold_text(rule["threshold"]), shares[-1:], covered[-1:]))
    if len(shares) > 1:
        lines.insert(0, _share_row(f"{cells.label(variation)}, mean", n, DASH, shares, covered))
    return lines


def _share_row(title: str, n: int, threshold: str, shares: Sequence[float], covered: Sequence[float]) -> list[str]:
    mean = mean_sd(shares)[0]
    by_seed = ", ".join(percent(one) for one in shares) if len(shares) > 1 else DASH
    return [title, threshold, with_interval(wilson(mean * n, n)), by_seed, percent(mean_sd(covered)[0])]


def _most_frequent(answers: Sequence[Predictions]) -> str:
    shares = [answer_shares(one) for one in answers]
    means = {name: mean_sd([one[name] for one in shares])[0] for name in shares[0]}
    ranked = sorted(means, key=lambda name: -means[name])[:_N_ANSWERS]
    return ", ".join(f"{name} {percent(means[name])}" for name in ranked if means[name] > 0)
