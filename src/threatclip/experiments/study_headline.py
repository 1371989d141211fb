"""The first sections of a study's document: how it was made, the split's own test, baselines, classes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from threatclip.artifacts import read_json
from threatclip.classification.baselines import BASELINES
from threatclip.errors import InputError
from threatclip.evaluation.confidence import coverage, selective_accuracy
from threatclip.evaluation.metrics import accuracy, macro_f1
from threatclip.evaluation.paired import mcnemar
from threatclip.evaluation.predictions import Predictions
from threatclip.experiments.report_text import DASH, count, flattened, p_value
from threatclip.experiments.study_cells import POOL, SVC, TEST, StudyCells
from threatclip.experiments.study_figures import (
    BOTH,
    HEADLINE,
    Judge,
    f1_of,
    mean_sd,
    present_classes,
    values,
    without_classes,
)
from threatclip.experiments.study_markdown import code, difference, escape, percent, shown, table, with_interval

VAGUE = ("access-control", "info-exposure")
"""Classes whose label is often not in the payload; the 10-class variant leaves them out."""


def model_title(name: str, *, pool: str) -> str:
    """Return how tables call a model: the pool by its variation, a member alone, a baseline by its title."""
    if name == POOL:
        return pool
    if name.startswith("member "):
        return f"{name.removeprefix('member ')} alone"
    return BASELINES[name].title if name in BASELINES else name


def best_baseline(cells: StudyCells) -> str | None:
    """Return the baseline of the highest macro-F1 on the test rows: picked on them, which favors the baselines."""
    scores = {
        name: mean_sd(values(cells.predictions(cells.baselines, name, TEST), macro_f1))[0]
        for name in cells.models(cells.baselines)
    }
    return max(scores, key=lambda name: scores[name]) if scores else None


def subjects(cells: StudyCells, rows: str) -> list[tuple[str, list[Predictions]]]:
    """Return the reference, its members alone and every baseline, each with its answers on `rows`."""
    found = []
    for variation in (cells.reference, cells.baselines):
        for model in cells.models(variation):
            answers = cells.predictions(variation, model, rows)
            if answers:
                found.append((model_title(model, pool=cells.label(cells.reference)), answers))
    return found


def how_made(cells: StudyCells, judge: Judge, out: Path, *, command: str) -> list[str]:
    """Return the section that lets others repeat the study: command, versions, rows, seeds, what is missing."""
    blocks = ["## How it was made", "All figures below come from one command:", code(command)]
    try:
        facts = list(flattened(read_json(out / "environment.json")))
        blocks.append(table(("environment", "value"), facts, n_text=2))
    except InputError:
        blocks.append("The environment was not recorded.")
    reference = cells.predictions(cells.reference, POOL, TEST)
    if reference:
        rows, first = reference[0].labeled(), cells.of(cells.reference)[0].facts
        blocks.append(
            f"Test rows: {len(rows)} in {len(set(rows.groups.tolist()))} groups, {len(rows.classes)} classes. "
            f"Training rows of {escape(cells.reference)}: {count(first.get('n_train'))}, "
            f"and {count(first.get('n_extra'))} extra ones."
        )
    blocks.append(
        f"Figures are in percent, with 95% intervals of a bootstrap over groups in parentheses ({judge.n_resamples:,} "
        "resamples). A mean over seeds is the mean of their figures; its interval speaks of "
        "the rows, the seeds' own figures stand beside it. Differences are paired: both sides on the same resamples."
    )
    listed = [
        (cells.label(one.name), one.title, ", ".join(map(str, one.seeds)), " ".join(one.set) or DASH)
        for one in cells.study.variations
    ]
    blocks.append(table(("variation", "what it is", "seeds", "set"), listed, n_text=4))
    if cells.missing:
        names = ", ".join(escape(f"{name} seed {seed}") for name, seed in cells.missing)
        blocks.append(f"**Missing cells** (not run, or not finished): {names}.")
    return blocks


def split_test(cells: StudyCells, judge: Judge) -> list[str]:
    """Return the headline: the reference, its members and the baselines on the split's own test rows."""
    rows = []
    for title, answers in subjects(cells, TEST):
        metrics = judge.mean(answers, HEADLINE)
        both = zip(values(answers, accuracy), values(answers, macro_f1), strict=True)
        by_seed = ", ".join(f"{percent(one)} / {percent(other)}" for one, other in both)
        rows.append((title, *(with_interval(metrics[name]) for name in HEADLINE), by_seed))
    headers = ("model", "accuracy", "macro-F1", "weighted F1", "ECE", "coverage at 90% precision")
    return [
        "## The split's own test rows",
        table((*headers, "accuracy / macro-F1 by seed"), rows),
        "Coverage at 90% precision here takes the best threshold on the test rows: a property of the ranking. ECE is "
        "biased upwards on few rows, so its interval may lie above it.",
        "### Abstention",
        "The threshold was chosen on validation rows; this is what it does on test rows.",
        table(
            ("seed", "threshold", "validation precision", "validation coverage", "test precision", "test coverage"),
            _abstention_rows(cells, judge),
        ),
    ]


def threshold_text(threshold: float) -> str:
    """Write a threshold on probabilities; above 1 it is the one that nothing reaches."""
    return "never" if threshold > 1 else f"{threshold:.3f}"


def _abstention_rows(cells: StudyCells, judge: Judge) -> list[list[str]]:
    rows, reached = [], []
    for seed, cell in zip(cells.seeds(cells.reference), cells.of(cells.reference), strict=True):
        rule, answers = cell.facts.get("abstention"), cell.predictions(POOL, TEST)
        if rule is None or answers is None:
            continue
        threshold = rule["threshold"]
        metrics = judge.mean(
            [answers],
            {
                "precision": partial(selective_accuracy, threshold=threshold),
                "coverage": partial(coverage, threshold=threshold),
            },
        )
        reached.append((metrics["precision"].value, metrics["coverage"].value))
        chosen = (threshold_text(threshold), percent(rule["precision"]), percent(rule["coverage"]))
        rows.append([str(seed), *chosen, with_interval(metrics["precision"]), with_interval(metrics["coverage"])])
    if len(rows) > 1:
        means = [percent(mean_sd([one[k] for one in reached])[0]) for k in range(2)]
        rows.append(["mean", DASH, DASH, DASH, *means])
    return rows


def against_baselines(cells: StudyCells, judge: Judge) -> list[str]:
    """Return the paired comparison of the reference with every baseline, and the verdict on the best one."""
    ours = cells.predictions(cells.reference, POOL, TEST)
    compared = []
    for name in cells.models(cells.baselines):
        theirs = cells.predictions(cells.baselines, name, TEST)
        gaps = judge.difference(ours, theirs, BOTH)
        if gaps:
            tests = [mcnemar(one, theirs[0]) for one in ours]
            p_values = ", ".join(p_value(test.p_value).replace("\u00a0", " ") for test in tests)
            compared.append((name, gaps, p_values))
    rows = [
        (model_title(name, pool=""), difference(gaps["accuracy"]), difference(gaps["macro_f1"]), tests)
        for name, gaps, tests in compared
    ]
    name = escape(cells.reference)
    blocks = [
        "## Against the baselines",
        f"{name} minus the baseline, in points; McNemar's exact test for each seed.",
        table(("baseline", "accuracy", "macro-F1", "McNemar by seed"), rows),
    ]
    best = best_baseline(cells)
    for baseline, gaps, _ in compared:
        if baseline == best:
            words = " and ".join(
                shown(gaps[metric], what=what) for metric, what in (("accuracy", "accuracy"), ("macro_f1", "macro-F1"))
            )
            title = escape(model_title(baseline, pool=""))
            blocks.append(
                f"The best baseline by macro-F1 is {title} (picked on the test rows). Against it, {name} is {words}."
            )
    return blocks


def without_vague_classes(cells: StudyCells, judge: Judge) -> list[str]:
    """Return the variant without the classes whose label is often not in the payload."""
    ours, theirs = _pair_of(cells)
    dropped = [name for name in VAGUE if ours and name in ours[0].classes]
    if not dropped:
        return []
    ours, theirs = ([without_classes(one, dropped) for one in side] for side in (ours, theirs))
    rows = _pair_rows(cells, judge, ours, theirs)
    return [
        f"## Without {escape(' and '.join(dropped))}",
        f"The {len(ours[0])} test rows of the other {len(ours[0].classes)} classes, answered among those classes; "
        "nothing was trained anew.",
        table(("model", "accuracy", "macro-F1"), rows),
    ]


def by_class(cells: StudyCells, judge: Judge) -> list[str]:
    """Return the F1 of every class, of the reference and of the word baseline."""
    ours, theirs = _pair_of(cells)
    if not ours:
        return []
    support = present_classes(ours[0])
    metrics = {name: f1_of(name) for name in support}
    sides = [judge.mean(ours, metrics), judge.mean(theirs, metrics), judge.difference(ours, theirs, metrics)]
    rows = [
        (name, str(n), with_interval(sides[0].get(name)), with_interval(sides[1].get(name)), difference(gap))
        for name, n in support.items()
        for gap in (sides[2].get(name),)
    ]
    headers = ("class", "rows", cells.label(cells.reference), model_title(SVC, pool=""), "difference")
    return ["## By class", "F1 of each class on the test rows.", table(headers, rows)]


def _pair_of(cells: StudyCells) -> tuple[list[Predictions], list[Predictions]]:
    return cells.predictions(cells.reference, POOL, TEST), cells.predictions(cells.baselines, SVC, TEST)


def _pair_rows(
    cells: StudyCells, judge: Judge, ours: Sequence[Predictions], theirs: Sequence[Predictions]
) -> list[list[str]]:
    first, second = judge.mean(ours, BOTH), judge.mean(theirs, BOTH)
    gap = judge.difference(ours, theirs, BOTH)
    return [
        [cells.label(cells.reference), *(with_interval(first.get(name)) for name in BOTH)],
        [model_title(SVC, pool=""), *(with_interval(second.get(name)) for name in BOTH)],
        ["difference", *(difference(gap.get(name)) for name in BOTH)],
    ]
