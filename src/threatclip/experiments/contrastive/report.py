"""The HTML report of a contrastive run: what is found, beside the models it came from, and how the loss fell.

One file without script or outside resources; captions are a stranger's text and are only ever shown escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from threatclip.artifacts import write_text
from threatclip.experiments.contrastive.loss_plot import loss_plot, read_losses
from threatclip.experiments.plots import Mark, Panel, Row, dot_plot
from threatclip.experiments.report import page_environment
from threatclip.experiments.report_data import estimate, metric, table
from threatclip.experiments.report_text import count, figure, metric_info, points, points_interval

_OURS = "this model"
_PANELS = ("i2t_r_10", "t2i_r_10", "matching_accuracy", "pr_auc_macro")
_FACTS = ("task", "table", "seed", "model", "version")


def write_contrastive_report(path: Path, evaluation: Mapping[str, Any], *, steps: Path) -> None:
    """Write the report of what `threatclip evaluate` found, whole or not at all.

    Args:
        path: the HTML file.
        evaluation: the JSON of `threatclip evaluate`.
        steps: the run's step records; without them there is no loss curve.

    Raises:
        StorageError: the disk refused.
    """
    write_text(path, render_contrastive(evaluation, losses=read_losses(steps)))


def render_contrastive(
    evaluation: Mapping[str, Any], *, losses: Mapping[str, list[tuple[int, float]]] | None = None
) -> str:
    """Return the report as one HTML document; `losses` holds (step, loss) of each stage."""
    gallery = table(evaluation, "gallery")
    return (
        page_environment()
        .get_template("contrastive.html")
        .render(
            run=str(evaluation.get("run") or "unnamed run"),
            facts=[(name, str(evaluation[name])) for name in _FACTS if evaluation.get(name) is not None],
            findings=_findings(evaluation),
            sizes=f"{count(int(gallery.get('views') or 0))} views, {count(int(gallery.get('captions') or 0))} captions",
            pool=int(evaluation.get("matching_pool") or 0),
            rows=[(metric_info(name), estimate(value)) for name, value in table(evaluation, "metrics").items()],
            contest=_contest(evaluation),
            comparisons=_comparisons(evaluation),
            elsewhere=_elsewhere(evaluation),
            losses=loss_plot(losses, key="losses") if losses else None,
            examples=list(evaluation.get("examples") or ()),
        )
    )


def _findings(evaluation: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return plain sentences; a gain is claimed only where the paired interval excludes zero."""
    found = []
    for name, differences in table(evaluation, "comparisons").items():
        one = metric(differences, "matching_accuracy")
        if one.low is None or one.high is None:
            continue
        told = f"({points_interval(one)})"
        if one.low > 0:
            found.append({"tone": "good", "text": f"Matching is {points(one.value)} points over {name} {told}."})
        elif one.high < 0:
            found.append({"tone": "weak", "text": f"Matching is {points(one.value)} points against {name} {told}."})
        else:
            found.append({"tone": "open", "text": f"Matching is not shown to differ from {name} {told}."})
    for name, one_table in table(evaluation, "tables").items():
        lost = metric(one_table, "difference", "matching_accuracy")
        if lost.high is not None and lost.high < 0:
            text = f"It forgot: {points(lost.value)} points on the rows of stage {name} ({points_interval(lost)})."
            found.append({"tone": "weak", "text": text})
    return found


def _contest(evaluation: Mapping[str, Any]) -> Any:
    """Return the plot of this model beside the others; None without any."""
    metrics, baselines = table(evaluation, "metrics"), table(evaluation, "baselines")
    names = [name for name in _PANELS if name in metrics]
    if not baselines or not names:
        return None
    rows = [
        Row(label=title, cells=_cells(title, metrics_of, names, own=title == _OURS), emphasized=title == _OURS)
        for title, metrics_of in {_OURS: metrics, **baselines}.items()
    ]
    panels = [Panel(title=metric_info(name).title) for name in names]
    described = "; ".join(
        f"{title}: " + ", ".join(f"{metric_info(n).title} {figure(metric(of, n).value, 'percent')}" for n in names)
        for title, of in {_OURS: metrics, **baselines}.items()
    )
    return dot_plot(rows, panels, key="contest", title="This model and those it came from", description=described)


def _cells(title: str, metrics: Mapping[str, Any], names: list[str], *, own: bool) -> tuple[tuple[Mark, ...], ...]:
    return tuple((Mark(name=title, estimate=metric(metrics, name), of_model=own),) for name in names)


def _comparisons(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "against": name,
            "rows": [
                (metric_info(key), metric(evaluation, "baselines", name, key), estimate(value))
                for key, value in differences.items()
            ],
        }
        for name, differences in table(evaluation, "comparisons").items()
    ]


def _elsewhere(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for the rows of each earlier stage, what its own model had and what this one has."""
    return [
        {
            "stage": name,
            "rows": [
                (metric_info(key), metric(one, "then", key), estimate(value), metric(one, "difference", key))
                for key, value in table(one, "metrics").items()
            ],
        }
        for name, one in table(evaluation, "tables").items()
    ]
