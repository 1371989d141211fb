"""The sections in which the model stands beside others: the baselines, and its own parts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from threatclip.experiments.plots import Mark, Panel, Row, dot_plot
from threatclip.experiments.report_data import (
    NOTHING,
    Estimate,
    Evaluation,
    best_baseline,
    estimate,
    metric,
    number,
    table,
)
from threatclip.experiments.report_text import MetricInfo, metric_info
from threatclip.experiments.report_verdict import baseline_title

THIS_MODEL = "this model"
_COMPARED = ("accuracy", "macro_f1", "weighted_f1", "top_3", "top_5", "ece")
_PLOTTED = ("macro_f1", "accuracy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One line of a comparison; `best` names the columns in which no other value is better."""

    title: str
    of_model: bool
    estimates: Mapping[str, Estimate]
    best: frozenset[str] = frozenset()


def comparison(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return the model beside every baseline, best macro-F1 first, and the paired test against the best of them."""
    baselines = table(evaluation, "baselines")
    differences = table(evaluation, "comparison", "differences")
    if not baselines and not differences:
        return None
    test = table(evaluation, "comparison", "mcnemar")
    named = best_baseline(evaluation) or str(table(evaluation, "comparison").get("baseline"))
    return {
        **_contest(evaluation, {baseline_title(name): table(baselines, name) for name in baselines}, key="baselines"),
        "against": baseline_title(named),
        "differences": [(metric_info(name), estimate(value)) for name, value in differences.items()],
        "mcnemar": {key: number(test.get(key)) for key in ("only_first", "only_second", "p_value")} if test else None,
    }


def members(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return the model beside each of its parts alone."""
    parts = table(evaluation, "members")
    return _contest(evaluation, {str(name): table(parts, name) for name in parts}, key="members") if parts else None


def _contest(evaluation: Evaluation, others: Mapping[str, Mapping[str, Any]], *, key: str) -> dict[str, Any]:
    model = table(evaluation, "metrics")
    columns = [name for name in _COMPARED if name in model and any(name in other for other in others.values())]
    known = {title: {name: metric(metrics, name) for name in columns} for title, metrics in others.items()}
    order = sorted(known, key=lambda title: -(known[title].get("macro_f1", NOTHING).value or 0.0))
    lines = [(THIS_MODEL, {name: metric(model, name) for name in columns}), *((title, known[title]) for title in order)]
    best = {name: _best([estimates[name] for _, estimates in lines], metric_info(name)) for name in columns}
    contenders = [
        Contender(
            title=title,
            of_model=index == 0,
            estimates=estimates,
            best=frozenset(n for n in columns if best[n] is not None and estimates[n].value == best[n]),
        )
        for index, (title, estimates) in enumerate(lines)
    ]
    plotted = [name for name in _PLOTTED if name in columns]
    rows = [
        Row(
            label=one.title,
            cells=tuple((Mark(name=one.title, estimate=one.estimates[n], of_model=one.of_model),) for n in plotted),
            emphasized=one.of_model,
        )
        for one in contenders
    ]
    return {
        "columns": [(name, metric_info(name)) for name in columns],
        "contenders": contenders,
        "plot": dot_plot(
            rows,
            [Panel(title=metric_info(name).title) for name in plotted],
            key=key,
            title="Macro-F1 and accuracy side by side",
            description="Each line shows one contender's value with its 95% interval; the table has the figures.",
        )
        if plotted
        else Markup(""),
    }


def _best(estimates: Sequence[Estimate], info: MetricInfo) -> float | None:
    values = [one.value for one in estimates if one.value is not None]
    if not values:
        return None
    return max(values) if info.higher_is_better else min(values)
