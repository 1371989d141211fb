"""The section on shortcuts: full payloads against probed ones, and the shortcut score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from threatclip.evaluation.shortcuts import SHORTCUT_PROBES
from threatclip.experiments.plots import Mark, Panel, Row, dot_plot
from threatclip.experiments.report_contests import THIS_MODEL
from threatclip.experiments.report_data import (
    NEGATIVE_CONTROL,
    Estimate,
    Evaluation,
    best_baseline,
    majority,
    metric,
    plain_shortcut_score,
    probe_loss,
    probe_names,
    table,
    trained_probes,
)
from threatclip.experiments.report_verdict import baseline_title

_PLOTTED = ("macro_f1", "accuracy")

_PROBE_MEANINGS = {
    "no_headers": "method, path, query and body only",
    "values_only": "only what the sender chose: no endpoint, no parameter names",
    "template_swap": "the values put into another random request",
    "marker_swap": "habits of test authors swapped: alert(), /etc/passwd, sleep() ...",
    NEGATIVE_CONTROL: "method and path only: this should fail",
    "double_encode": "every percent sign encoded once more",
    "case_flip": "letters of the values in random case",
    "sql_comments": "blanks written as SQL comments",
    "parameter_order": "parameters shuffled",
    "dilution": "harmless requests before and behind",
    "host_change": "another host name",
}


def probes(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return full against probed views for the model and the best baseline, and the shortcut score."""
    names = probe_names(evaluation)
    if not names:
        return None
    ours, probed = table(evaluation, "metrics"), table(evaluation, "probes")
    best = best_baseline(evaluation)
    theirs = table(evaluation, "baselines", best) if best else {}
    theirs_probed = table(theirs, "probes")
    trained = trained_probes(evaluation)
    shortcuts = table(evaluation, "shortcuts")
    rows = [
        {
            "name": name,
            "meaning": _PROBE_MEANINGS.get(name, ""),
            "trained": name in trained,
            "control": name == NEGATIVE_CONTROL,
            "accuracy": metric(probed, name, "accuracy"),
            "macro_f1": metric(probed, name, "macro_f1"),
            "drop": probe_loss(ours, probed, shortcuts, name),
            "other": metric(theirs_probed, name, "macro_f1"),
            "other_drop": probe_loss(theirs, theirs_probed, table(theirs, "shortcuts"), name),
        }
        for name in names
    ]
    return {
        "rows": rows,
        "full": {name: metric(ours, name) for name in _PLOTTED},
        "other_full": metric(theirs, "macro_f1"),
        "other": baseline_title(best) if best and theirs_probed else None,
        "plot": _probe_plot(evaluation, names, best if theirs_probed else None),
        "majority": majority(evaluation),
        "scores": _scores(evaluation, best if theirs_probed else None),
    }


def _scores(evaluation: Evaluation, best: str | None) -> list[tuple[str, Estimate, str]]:
    """Return (what, S, worst probe): over all probes for the model and the best baseline, and over untrained ones."""
    theirs = table(evaluation, "baselines", best) if best else {}
    found = table(evaluation, "shortcuts")
    over = ", ".join(table(found, "drops") or SHORTCUT_PROBES)
    lines = [_score(f"{THIS_MODEL}, over {over}", table(evaluation, "metrics"), table(evaluation, "probes"), found)]
    if best:
        lines.append(
            _score(f"{baseline_title(best)}, the same", theirs, table(theirs, "probes"), table(theirs, "shortcuts"))
        )
    untrained = table(found, "untrained")
    if untrained and trained_probes(evaluation):
        over = ", ".join(table(untrained, "drops"))
        lines.append(_score(f"{THIS_MODEL}, only over probes never trained on: {over}", {}, {}, untrained))
    return [line for line in lines if line[1].value is not None]


def _score(
    told: str, metrics: Mapping[str, Any], probes: Mapping[str, Any], shortcuts: Mapping[str, Any]
) -> tuple[str, Estimate, str]:
    plain = Estimate(value=plain_shortcut_score(metrics, probes))
    return told, metric(shortcuts, "score") if shortcuts else plain, str(shortcuts.get("worst_probe") or "")


def _probe_plot(evaluation: Evaluation, names: Sequence[str], baseline: str | None) -> Markup:
    models = [(THIS_MODEL, table(evaluation, "metrics"), table(evaluation, "probes"))]
    if baseline:
        theirs = table(evaluation, "baselines", baseline)
        models.append((baseline_title(baseline), theirs, table(theirs, "probes")))
    rows = []
    for name in ("full", *names):
        cells = tuple(
            tuple(
                Mark(
                    name=title,
                    estimate=metric(full, key) if name == "full" else metric(probed, name, key),
                    of_model=title == THIS_MODEL,
                )
                for title, full, probed in models
            )
            for key in _PLOTTED
        )
        note = (
            " (control)" if name == NEGATIVE_CONTROL else " (trained on)" if name in trained_probes(evaluation) else ""
        )
        rows.append(Row(label="full payload" if name == "full" else name + note, cells=cells))
    constant = majority(evaluation).value
    macro = metric(evaluation, "baselines", "majority", "macro_f1").value
    kinds = ("model", "other")
    legend = [(kind, title) for kind, (title, _, _) in zip(kinds, models, strict=False)]
    return dot_plot(
        rows,
        [Panel(title="Macro-F1", reference=macro), Panel(title="Accuracy", reference=constant)],
        key="probes",
        title="Full payloads against probed ones",
        description="The further a probe lies left of the full payload, the more rests on what it takes away. The "
        "control should lie on the dashed line of a constant answer.",
        legend=[*legend, *([("reference", "one constant answer")] if constant is not None else [])],
    )
