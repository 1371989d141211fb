"""What the sections of a sweep's report show: figures as estimates, drawings as markup; None where nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from threatclip.evaluation.intervals import Metric
from threatclip.experiments.plots import Mark, Panel, Row, dot_plot
from threatclip.experiments.poisoning.curves import Curve, CurvePoint, dose_curves
from threatclip.experiments.poisoning.doses import KEPT, Dose, by_attack
from threatclip.experiments.report_data import NOTHING, Estimate, estimate
from threatclip.experiments.report_text import figure

INTERFACES = {
    "": "zero-shot",
    "retrieval.": "retrieval",
    "linear.": "linear head",
    "neighbors.": "neighbors",
}
_DRIFTS = {"drift_view": "views", "drift_caption": "captions"}
_BESIDE = {"hit": "hit_10", "rank": "min_rank"}
_OTHER_ASR = ("asr_3", "asr_5", "asr_10")


def sections(doses: Sequence[Dose], *, key: str) -> dict[str, Any]:
    """Return what each section shows; `key` begins the ids of its drawings."""
    attacked = [dose for dose in doses if dose.line.attack is not None]
    triggers = [dose for dose in attacked if "asr_1" in dose.metrics]
    queries = [dose for dose in attacked if dose.goals]
    return {
        "clean": [_clean(dose) for dose in doses if dose.line.attack is None],
        "triggers": _triggers(triggers, key) if triggers else None,
        "queries": _queries(queries, key) if queries else None,
        "interfaces": _interfaces(triggers, key),
        "drift": _drift(attacked, key),
    }


def figure_of(metrics: Mapping[str, Metric], name: str) -> Estimate:
    """Return a figure as the templates take it; nothing where it is not there."""
    return estimate(metrics[name].as_dict()) if name in metrics else NOTHING


def _clean(dose: Dose) -> dict[str, Any]:
    return {**_named(dose, dose.title), "kept": [figure_of(dose.metrics, name) for name in KEPT]}


def _named(dose: Dose, title: str) -> dict[str, Any]:
    return {
        "title": title,
        "attack": dose.facts.attack,
        "trains": dose.line.trains,
        "count": dose.count,
        "rate": f"{100 * dose.rate:.2g}%",
        "seeds": dose.seeds_told,
    }


def _triggers(doses: Sequence[Dose], key: str) -> dict[str, Any]:
    rows = [
        {
            **_named(dose, dose.line.name),
            "asr": figure_of(dose.metrics, "asr_1"),
            "floor": figure_of(dose.metrics, "asr_floor_1"),
            "gain": figure_of(dose.gain, "asr_1"),
            "others": " / ".join(
                figure(figure_of(dose.metrics, name).value, "percent") for name in _OTHER_ASR if name in dose.metrics
            ),
            "spread": _spread(dose, "asr_1"),
            "clean": figure_of(dose.metrics, "clean_accuracy_1"),
            "change": figure_of(dose.change, "clean_accuracy_1"),
        }
        for dose in doses
    ]
    curves = [
        Curve(
            title=_line_title(name, line[0]),
            points=tuple(
                CurvePoint(
                    count=dose.count,
                    own=figure_of(dose.metrics, "asr_1"),
                    clean=figure_of(dose.metrics, "asr_floor_1"),
                    seeds=_seeds(dose, "asr_1"),
                )
                for dose in line
            ),
        )
        for name, line in by_attack(doses).items()
    ]
    plot = dose_curves(
        curves,
        key=f"{key}-triggers",
        title="Attack success over poisons",
        measure="ASR@1",
        clean="same trigger, clean model",
    )
    return {"rows": rows, "plot": plot}


def _queries(doses: Sequence[Dose], key: str) -> dict[str, Any]:
    rows = [_goal_row(dose, goal) for dose in doses for goal in dose.goals]
    curves: dict[str, list[CurvePoint]] = {}
    for name, dose in [(name, dose) for name, line in by_attack(doses).items() for dose in line]:
        for goal in dose.goals:
            point = CurvePoint(
                count=dose.count,
                own=figure_of(dose.metrics, f"{goal}hit_10"),
                clean=figure_of(dose.metrics, f"{goal}clean_hit_10"),
                random=figure_of(dose.metrics, f"{goal}random_hit_10"),
                seeds=_seeds(dose, f"{goal}hit_10"),
            )
            curves.setdefault(f"{_line_title(name, dose)}{dose.goal_name(goal)}", []).append(point)
    plot = dose_curves(
        [Curve(title=title, points=tuple(points)) for title, points in curves.items()],
        key=f"{key}-queries",
        title="Hit@10 over poisons",
        measure="Hit@10",
        clean="same queries, clean model",
    )
    return {"rows": rows, "plot": plot}


def _goal_row(dose: Dose, goal: str) -> dict[str, Any]:
    names = {
        **{f"hit_{k}": f"{goal}hit_{k}" for k in (1, 5, 10)},
        "rank": f"{goal}min_rank",
        **{f"{who}_{what}": f"{goal}{who}_{name}" for who in ("random", "clean") for what, name in _BESIDE.items()},
    }
    return {
        **_named(dose, f"{dose.line.name}{dose.goal_name(goal)}"),
        **{name: figure_of(dose.metrics, metric) for name, metric in names.items()},
        "spread": _spread(dose, f"{goal}hit_10"),
        "gain": figure_of(dose.gain, f"{goal}hit_10"),
        "changes": [figure_of(dose.change, name) for name in ("i2t_r_10", "t2i_r_10")],
    }


def _interfaces(doses: Sequence[Dose], key: str) -> dict[str, Any] | None:
    """Return the plot of every line at its largest dose, and the table of all doses; None with one interface alone."""
    there = {
        prefix: name for prefix, name in INTERFACES.items() if any(f"{prefix}asr_1" in dose.metrics for dose in doses)
    }
    if len(there) < 2:
        return None
    largest = [max(line, key=lambda dose: dose.count) for line in by_attack(doses).values()]
    plot_rows = [
        Row(label=f"{dose.title}, {dose.count}", cells=tuple(_marks(dose, prefix) for prefix in there))
        for dose in largest
    ]
    described = " ".join(
        f"{dose.title}, {dose.count} poisons: "
        + ", ".join(
            f"{name} {figure(figure_of(dose.metrics, f'{prefix}asr_1').value, 'percent')}"
            for prefix, name in there.items()
        )
        + "."
        for dose in largest
    )
    plot = dot_plot(
        plot_rows,
        [Panel(title=name) for name in there.values()],
        key=f"{key}-interfaces",
        title="Attack success on each interface",
        description=described,
        legend=[("model", "attacked model"), ("other", "same trigger, clean model")],
    )
    rows = [
        {
            **_named(dose, dose.title),
            "cells": [
                (figure_of(dose.metrics, f"{prefix}asr_1"), figure_of(dose.metrics, f"{prefix}asr_floor_1"))
                for prefix in there
            ],
        }
        for dose in doses
    ]
    return {"plot": plot, "names": list(there.values()), "rows": rows}


def _marks(dose: Dose, prefix: str) -> tuple[Mark, ...]:
    return (
        Mark(name="attacked", estimate=figure_of(dose.metrics, f"{prefix}asr_1"), of_model=True),
        Mark(name="clean model", estimate=figure_of(dose.metrics, f"{prefix}asr_floor_1"), of_model=False),
    )


def _drift(doses: Sequence[Dose], key: str) -> dict[str, Any] | None:
    moved = [dose for dose in doses if "drift_view" in dose.metrics]
    if not moved:
        return None
    largest = [max(line, key=lambda dose: dose.count) for line in by_attack(moved).values()]
    plot = dot_plot(
        [Row(label=f"{dose.title}, {dose.count}", cells=(_moved(dose),)) for dose in largest],
        [Panel(title="cosine distance", unit="number", reference=0.0)],
        key=f"{key}-drift",
        title="Drift of clean rows",
        description="The table below holds the same figures.",
        legend=[("model", "views"), ("other", "captions")],
    )
    rows = [
        {**_named(dose, dose.title), "cells": [figure_of(dose.metrics, name) for name in _DRIFTS]} for dose in moved
    ]
    return {"plot": plot, "rows": rows}


def _moved(dose: Dose) -> tuple[Mark, ...]:
    return tuple(
        Mark(name=what, estimate=figure_of(dose.metrics, name), of_model=what == "views")
        for name, what in _DRIFTS.items()
    )


def _line_title(name: str, dose: Dose) -> str:
    return name if dose.line.trains == "both" else f"{name}, {dose.line.trains} tower only"


def _seeds(dose: Dose, name: str) -> tuple[float, ...]:
    """Return the figures of single seeds, where there are several."""
    values = dose.spread.get(name, ())
    return values if len(values) > 1 else ()


def _spread(dose: Dose, name: str) -> str:
    values = _seeds(dose, name)
    return f"{100 * min(values):.1f}–{100 * max(values):.1f}" if values else ""
