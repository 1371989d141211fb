"""What each section of a report shows: plain data for the template, None where the evaluation has nothing to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from threatclip.experiments.plots import MAX_HEAT_CLASSES, bar, heat_map
from threatclip.experiments.report_contests import comparison, members
from threatclip.experiments.report_curves import coverage_plot, reliability_plot
from threatclip.experiments.report_data import Estimate, Evaluation, estimate, metric, mix_ups, number, table
from threatclip.experiments.report_probes import probes
from threatclip.experiments.report_text import MetricInfo, count, excerpt, figure, flattened, metric_info

MOST_MIX_UPS = 8
MOST_MISTAKES = 50
_ORDER = (
    *("accuracy", "macro_f1", "weighted_f1", "top_3", "top_5", "mrr"),
    *("coverage", "selective_accuracy", "coverage_at_precision_90", "ece", "brier", "nll"),
)
_CLASS_COLUMNS = ("precision", "recall", "f1")
_RULE = ("threshold", "target", "coverage", "precision")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One metric of the headline table."""

    name: str
    info: MetricInfo
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLine:
    """One class: its number of true rows, and (estimate, bar) of precision, recall and F1."""

    name: str
    support: float | None
    f1: Estimate
    cells: tuple[tuple[Estimate, Markup], ...]


def headline(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return every metric with its interval, the ones that most readers want first."""
    found = {name: estimate(value) for name, value in table(evaluation, "metrics").items()}
    order = sorted(found, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    rows = [MetricRow(name=name, info=metric_info(name), estimate=found[name]) for name in order]
    return {"rows": rows} if rows else None


def per_class(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return precision, recall and F1 of each class, best F1 first."""
    rows = [
        ClassLine(
            name=str(name),
            support=number(row.get("support")),
            f1=estimate(row.get("f1")),
            cells=tuple(
                (estimate(row.get(c)), bar(estimate(row.get(c)), label=f"{name}, {c}")) for c in _CLASS_COLUMNS
            ),
        )
        for name, row in table(evaluation, "per_class").items()
    ]
    rows.sort(key=lambda row: -(row.f1.value or 0.0))
    return {"rows": rows} if rows else None


def confusion(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return the confusion table as a heat map (unless it is too large to read) and the commonest mix-ups."""
    classes, counts = [str(name) for name in evaluation.get("classes") or ()], evaluation.get("confusion")
    if not counts or len(classes) != len(counts):
        return None
    plot = heat_map(classes, counts, key="confusion") if len(classes) <= MAX_HEAT_CLASSES else None
    return {"plot": plot, "n_classes": len(classes), "mix_ups": mix_ups(evaluation, at_most=MOST_MIX_UPS)}


def confidence(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return the reliability diagram, the risk-coverage curve and the abstention rule; each may be None."""
    bins, curve = evaluation.get("reliability"), evaluation.get("coverage_curve")
    found = table(evaluation, "abstention")
    rule = {key: number(found.get(key)) for key in _RULE}
    if not bins and not curve and rule["threshold"] is None:
        return None
    coverage, precision = rule["coverage"], rule["precision"]
    chosen = (coverage, precision) if coverage and precision is not None else None
    return {
        "reliability": reliability_plot(bins, key="reliability") if bins else None,
        "coverage": coverage_plot(curve, key="coverage", target=rule["target"], chosen=chosen) if curve else None,
        "rule": rule if rule["threshold"] is not None else None,
        "ece": metric(evaluation, "metrics", "ece"),
    }


def mistakes(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return the confident mistakes, their payloads cut and made harmless."""
    rows = [
        {
            **{key: str(row.get(key, "")) for key in ("id", "truth", "answer")},
            "probability": number(row.get("probability")),
            "payload": excerpt(str(row.get("payload", ""))),
        }
        for row in (evaluation.get("worst_rows") or ())[:MOST_MISTAKES]
    ]
    return {"rows": rows} if rows else None


def leakage(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return the plain counts, and every list of records as a table of its own: (columns, rows of cells)."""
    found = table(evaluation, "leakage")
    lists = {str(key): value for key, value in found.items() if isinstance(value, list) and _records(value)}
    plain = {key: value for key, value in found.items() if str(key) not in lists}
    tables = {name.replace("_", " "): _record_table(rows) for name, rows in lists.items()}
    return {"counts": list(flattened(plain)) if plain else [], "tables": tables} if found else None


def _records(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(row, Mapping) for row in value)


def _record_table(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Return the columns and cells of records; a column `x_rate` is written into the cells of `x`."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    columns = [key for key in keys if str(key).removesuffix("_rate") == str(key) or key[:-5] not in keys]
    cells = [[_record_cell(row.get(key), number(row.get(f"{key}_rate"))) for key in columns] for row in rows]
    return [str(key).replace("_", " ") for key in columns], cells


def _record_cell(value: Any, rate: float | None) -> str:
    plain = number(value)
    text = str(value) if plain is None else count(plain) if plain == int(plain) else f"{plain:.3f}"
    return text if rate is None else f"{text} ({figure(rate, 'percent')})"


def settings(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return the resolved recipe and the environment as dotted keys and values."""
    groups = [("Recipe", table(evaluation, "settings")), ("Environment", table(evaluation, "environment"))]
    found = [(title, list(flattened(values))) for title, values in groups if values]
    return {"groups": found} if found else None


Section = Callable[[Evaluation], dict[str, Any] | None]

SECTIONS: tuple[tuple[str, str, Section], ...] = (
    ("headline", "Headline figures", headline),
    ("comparison", "Against the baselines", comparison),
    ("probes", "What the score rests on", probes),
    ("per_class", "Class by class", per_class),
    ("confusion", "What is taken for what", confusion),
    ("confidence", "Confidence", confidence),
    ("members", "The model's parts alone", members),
    ("mistakes", "Confident mistakes", mistakes),
    ("leakage", "What the splits share", leakage),
    ("settings", "Settings", settings),
)
"""Key (of the page's anchor and the template's block), title and builder of every section, in their order."""
