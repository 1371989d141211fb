"""Ablations: every variation that is judged on the same rows, against the one it differs from by one choice."""

from __future__ import annotations

from collections.abc import Sequence

from threatclip.evaluation.intervals import Metric
from threatclip.experiments.report_text import joined
from threatclip.experiments.study_cells import (
    ANCHORS,
    LINEAR,
    POOL,
    TEST,
    TRAIN_ONLY,
    StudyCells,
    fold_families,
    on_same_rows,
)
from threatclip.experiments.study_figures import BOTH, MACRO, Judge
from threatclip.experiments.study_markdown import difference, escape, shown, table, with_interval

_MODELS = {POOL: "all members", ANCHORS: "anchors alone", LINEAR: "linear alone"}
_PROBES = ("template_swap", "marker_swap")
_WITHOUT_TEXT = ("supervised-only", "stage-1-off")


def ablations(cells: StudyCells, judge: Judge) -> list[str]:
    """Return the figures of every ablation, its difference to what it ablates, and whether text guidance helped."""
    yardstick = yardstick_of(cells)
    names = ablation_names(cells)
    if not names:
        return []
    return [
        "## Ablations",
        f"Each line changes something in {escape(yardstick)}, on the same test rows.",
        table(
            ("variation", *(f"{title}: {name}" for title in _MODELS.values() for name in ("accuracy", "macro-F1"))),
            [_figures(cells, judge, name) for name in (yardstick, *names)],
        ),
        f"### Minus {escape(yardstick)}",
        table(
            ("variation", *(f"{_MODELS[m]}: {name}" for m in (POOL, ANCHORS) for name in ("accuracy", "macro-F1"))),
            [_differences(cells, judge, name, yardstick) for name in names],
        ),
        *_probed(cells, judge, (yardstick, *names)),
        *_guidance(cells, judge, yardstick),
    ]


def yardstick_of(cells: StudyCells) -> str:
    """Return what ablations are compared with: "train-only" where the study has it, else its reference."""
    names = [one.name for one in cells.study.variations]
    return TRAIN_ONLY if TRAIN_ONLY in names else cells.reference


def ablation_names(cells: StudyCells) -> list[str]:
    """Return the variations judged on the same rows as the yardstick, without the yardstick and the reference."""
    folds = {one.name for family in fold_families(cells.study.variations).values() for one in family}
    return [
        one.name
        for one in cells.study.variations
        if on_same_rows(one) and one.name not in (yardstick_of(cells), cells.reference) and one.name not in folds
    ]


def _figures(cells: StudyCells, judge: Judge, name: str) -> list[str]:
    cell_texts = [cells.label(name)]
    for model in _MODELS:
        metrics = judge.mean(cells.predictions(name, model, TEST), BOTH)
        cell_texts += [with_interval(metrics.get(metric)) for metric in BOTH]
    return cell_texts


def _differences(cells: StudyCells, judge: Judge, name: str, yardstick: str) -> list[str]:
    cell_texts = [cells.label(name)]
    for model in (POOL, ANCHORS):
        first, second = (cells.predictions(one, model, TEST) for one in (name, yardstick))
        gaps = judge.difference(first, second, BOTH)
        cell_texts += [difference(gaps.get(metric)) for metric in BOTH]
    return cell_texts


def _probed(cells: StudyCells, judge: Judge, names: Sequence[str]) -> list[str]:
    rows = []
    for name in names:
        asked = [(model, f"{TEST}@{probe}") for model in (POOL, ANCHORS) for probe in _PROBES]
        metrics = [judge.mean(cells.predictions(name, model, rowset), MACRO).get("macro_f1") for model, rowset in asked]
        if any(metrics):
            rows.append([cells.label(name), *map(with_interval, metrics)])
    headers = [f"{_MODELS[model]}: {probe}" for model in (POOL, ANCHORS) for probe in _PROBES]
    return ["### Macro-F1 under probes", table(("variation", *headers), rows)] if rows else []


def _guidance(cells: StudyCells, judge: Judge, yardstick: str) -> list[str]:
    """Return one computed sentence for each way of doing without text, and the verdict over all of them."""
    lines, gaps = [], []
    asked = [one.name for one in cells.study.variations]
    for name in (name for name in _WITHOUT_TEXT if name in asked):
        for model in (POOL, ANCHORS):
            first, second = (cells.predictions(one, model, TEST) for one in (yardstick, name))
            found = judge.difference(first, second, BOTH)
            if found:
                words = joined(
                    [shown(found[m], what=w) for m, w in (("accuracy", "accuracy"), ("macro_f1", "macro-F1"))]
                )
                lines.append(f"- {_MODELS[model]}, {escape(yardstick)} against {escape(name)}: {words}.")
                gaps += list(found.values())
    if not gaps:
        return []
    return ["### Did contrastive text guidance help?", "\n".join(lines), verdict(gaps)]


def verdict(gaps: Sequence[Metric]) -> str:
    """Return what several differences say together: with guidance minus without it."""
    helped = sum(gap.low > 0 for gap in gaps)
    hurt = sum(gap.high < 0 for gap in gaps)
    if helped and not hurt:
        word = "It helped"
    elif hurt and not helped:
        word = "It hurt"
    elif hurt and helped:
        word = "It helped in some and hurt in others"
    else:
        word = "No effect is shown"
    return f"{word}: of {len(gaps)} differences, {helped} are above 0 and {hurt} below 0 with their whole interval."
