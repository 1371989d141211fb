"""Other splits: folds that no group or vendor straddles, the leaky control, and what each split still shares."""

from __future__ import annotations

from collections.abc import Sequence

from threatclip.evaluation.metrics import accuracy, macro_f1, weighted_f1
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.summary import MetricFunction
from threatclip.experiments.report_text import DASH, count
from threatclip.experiments.study_cells import POOL, TEST, StudyCells, fold_families, is_zero_shot, on_same_rows
from threatclip.experiments.study_figures import MACRO, Judge, mean_sd, same_rows, values
from threatclip.experiments.study_headline import model_title
from threatclip.experiments.study_markdown import difference, percent, table, with_interval

_METRICS: dict[str, MetricFunction] = {"accuracy": accuracy, "macro_f1": macro_f1, "weighted_f1": weighted_f1}
_SHARED = ("exact_duplicates", "near_duplicates", "shared_groups", "shared_vendors")


def other_splits(cells: StudyCells, judge: Judge) -> list[str]:
    """Return the figures of every other split, its members alone too, and the leakage report of each."""
    names = [cells.reference, *split_names(cells)]
    families = fold_families([one for one in cells.study.variations if one.name in names])
    in_family = {one.name for family in families.values() for one in family}
    lines = [(cells.label(name), [name]) for name in names if name not in in_family]
    lines += [(_family_title(cells, name), [one.name for one in family]) for name, family in families.items()]
    rows = [row for title, variations in lines for row in _split_rows(cells, judge, title, variations)]
    if len(names) == 1:
        return []
    return [
        "## Other splits",
        "Folds are averaged: mean over folds ± their sample standard deviation; other lines have their interval, and a "
        "paired difference where their test rows are the same ones.",
        table(("split", "accuracy", "macro-F1", "weighted F1", f"macro-F1 minus {cells.reference}", "test rows"), rows),
        "### What each split shares",
        "Rows of the later part with a counterpart in the earlier one, as counts of all its rows.",
        table(
            ("split", "parts", "rows", "exact duplicates", "near duplicates", "same group", "same vendor", "dropped"),
            [row for name in names for row in leak_rows(cells, name)],
            n_text=2,
        ),
    ]


def split_names(cells: StudyCells) -> list[str]:
    """Return the variations on other splits: not ablations, zero-shot classes or baselines."""
    folds = {one.name for family in fold_families(cells.study.variations).values() for one in family}
    return [
        one.name
        for one in cells.study.variations
        if one.model == "recipe" and not is_zero_shot(one) and (not on_same_rows(one) or one.name in folds)
    ]


def split_figures(answers: Sequence[Predictions], judge: Judge) -> list[str]:
    """Return the metrics of one split: with an interval on one set of rows, mean and deviation over several."""
    if not answers:
        return [DASH] * len(_METRICS)
    if same_rows(answers):
        metrics = judge.mean(answers, _METRICS)
        return [with_interval(metrics[name]) for name in _METRICS]
    pairs = [mean_sd(values(answers, metric)) for metric in _METRICS.values()]
    return [f"{percent(mean)} ± {percent(sd)}" for mean, sd in pairs]


def leak_rows(cells: StudyCells, name: str) -> list[list[str]]:
    """Return one line for each pair of parts of a variation's split, from its first finished cell."""
    cell = next(iter(cells.of(name)), None)
    report = cell.facts.get("leakage") if cell else None
    if not report:
        return [[cells.label(name), *[DASH] * 7]]
    return [
        [
            cells.label(name),
            f"{one['earlier']} to {one['later']}",
            count(one["rows"]),
            *(f"{count(one[kind])} ({percent(one[kind] / one['rows'] if one['rows'] else None)}%)" for kind in _SHARED),
            count(report.get("dropped")),
        ]
        for one in report["overlaps"]
    ]


def _family_title(cells: StudyCells, family: str) -> str:
    folds = fold_families(cells.study.variations)[family]
    found = sum(bool(cells.of(one.name)) for one in folds)
    return f"{family}, {len(folds)} folds" if found == len(folds) else f"{family}, {found} of {len(folds)} folds"


def _models(cells: StudyCells, variations: Sequence[str]) -> list[str]:
    found = [model for name in variations for model in cells.models(name)]
    return list(dict.fromkeys(found)) or [POOL]


def _split_rows(cells: StudyCells, judge: Judge, title: str, variations: Sequence[str]) -> list[list[str]]:
    """Return the lines of one split: the pool, then each member alone."""
    reference = cells.predictions(cells.reference, POOL, TEST)
    rows = []
    for model in _models(cells, variations):
        answers = [one for name in variations for one in cells.predictions(name, model, TEST)]
        name = title if model == POOL else f"{title}, {model_title(model, pool='')}"
        compared = model == POOL and list(variations) != [cells.reference]
        gap = _against(judge, answers, reference) if compared else DASH
        rows.append([name, *split_figures(answers, judge), gap, _row_counts(answers)])
    return rows


def _against(judge: Judge, answers: Sequence[Predictions], reference: Sequence[Predictions]) -> str:
    """Return the paired difference of macro-F1 to the reference; a dash where the rows are not the same."""
    if not answers or not reference or not same_rows([*reference, *answers]):
        return DASH
    return difference(judge.difference(answers, reference, MACRO)["macro_f1"])


def _row_counts(answers: Sequence[Predictions]) -> str:
    if not answers:
        return DASH
    sizes = sorted({len(one.labeled()) for one in answers})
    return count(sizes[0]) if len(sizes) == 1 else f"{count(sizes[0])}{DASH}{count(sizes[-1])}"
