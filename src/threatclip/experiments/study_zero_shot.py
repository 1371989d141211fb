"""Classes never trained on, found by their anchors alone; and what every cell cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from threatclip.evaluation.predictions import Predictions
from threatclip.experiments.report_text import DASH, count
from threatclip.experiments.study_ablations import yardstick_of
from threatclip.experiments.study_cells import ANCHORS, TEST, StudyCells, held_out_class, is_zero_shot
from threatclip.experiments.study_figures import mean_sd, wilson
from threatclip.experiments.study_markdown import escape, percent, table, with_interval


def zero_shot(cells: StudyCells) -> list[str]:
    """Return recall at rank 1 of each held-out class by anchors alone, beside chance and the trained model's."""
    rows = []
    for variation in cells.study.variations:
        if is_zero_shot(variation):
            rows += _class_rows(cells, variation.name, held_out_class(variation))
    if not rows:
        return []
    trained = escape(yardstick_of(cells))
    return [
        "## Zero-shot",
        "A class is never trained on; its test rows are asked for by the generic anchors alone. Recall at rank 1 with "
        f"Wilson intervals, beside chance (one of all classes) and beside {trained}, which knows the class, by anchors "
        "alone too. The last column says how many rows of other classes got it: recall alone says little.",
        table(
            ("held out", "seed", "rows", "found", "recall", "chance", "recall when trained", "others answered so"), rows
        ),
    ]


def hits(predictions: Predictions, name: str) -> tuple[int, int, float]:
    """Return the rows of a class, how many of them are answered with it, and the share of other rows that are."""
    if name not in predictions.classes:
        return 0, 0, 0.0
    index = predictions.classes.index(name)
    own, said = predictions.truth == index, predictions.predicted == index
    others = ~own & (predictions.truth >= 0)
    return int(own.sum()), int((own & said).sum()), float(said[others].mean()) if others.any() else 0.0


def _class_rows(cells: StudyCells, variation: str, name: str) -> list[list[str]]:
    found = zip(cells.seeds(variation), cells.of(variation), strict=True)
    answers = {seed: one for seed, cell in found if (one := cell.predictions(ANCHORS, TEST)) is not None}
    if not answers:
        return [[name, *[DASH] * 7]]
    known = [hits(one, name) for one in cells.predictions(yardstick_of(cells), ANCHORS, TEST)]
    trained = mean_sd([found / n for n, found, _ in known if n])[0]
    chance = 1 / len(next(iter(answers.values())).classes)
    context = [percent(chance), percent(trained)]
    counted = {seed: hits(one, name) for seed, one in answers.items()}
    rows = [_row(name, str(seed), one, context) for seed, one in counted.items()]
    sizes = {n for n, _, _ in counted.values()}
    if len(rows) > 1 and len(sizes) == 1:
        right, others = (mean_sd([float(one[k]) for one in counted.values()])[0] for k in (1, 2))
        rows.append(_row(name, "mean", (sizes.pop(), right, others), context))
    return rows


def _row(name: str, seed: str, counted: tuple[int, float, float], context: Sequence[str]) -> list[str]:
    n, found, others = counted
    recall = with_interval(wilson(found, n)) if n else DASH
    return [name, seed, count(n), f"{found:.4g}", recall, *context, percent(others)]


def costs(cells: StudyCells) -> list[str]:
    """Return time and memory of every cell."""
    rows = []
    for (name, seed), cell in cells.found.items():
        facts = cell.facts
        sizes = (count(facts.get("n_train")), count(facts.get("n_extra")))
        rows.append([name, str(seed), *sizes, _number(facts.get("seconds")), _number(facts.get("peak_mib"))])
    total = float(np.sum([cell.facts.get("seconds") or 0.0 for cell in cells.found.values()]))
    return [
        "## Time and memory",
        f"{len(cells.found)} cells, {total / 60:.1f} minutes of work in all, one thread each.",
        table(("variation", "seed", "training rows", "extra rows", "seconds", "peak MiB"), rows),
    ]


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:,.0f}"
