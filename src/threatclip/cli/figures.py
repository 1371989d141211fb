"""Figures with their intervals, as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from threatclip.cli.terminal import show_table

Metrics = Mapping[str, Mapping[str, Any]]
MAIN_METRICS = ("accuracy", "macro_f1", "weighted_f1")
_RANKED = ("top_5", "mrr")  # where no F1 is measured
_SHOWN = (*MAIN_METRICS, "i2t_r_10", "t2i_r_10", "matching_accuracy", "pr_auc_macro")


def show_metrics(metrics: Metrics) -> None:
    """Print one metric a line: name, value, 95% interval."""
    show_table(["metric", "value", "95% interval"], [[name, *_parts(metric)] for name, metric in metrics.items()])


def show_comparison(what: str, by_name: Mapping[str, Metrics], names: Sequence[str] = _SHOWN) -> None:
    """Print one line for each of several models or probes, with the main metrics as columns."""
    measured = {name for metrics in by_name.values() for name in metrics}
    names = names if "macro_f1" in measured else (*names, *_RANKED)
    present = [name for name in names if name in measured]
    rows = [
        [title, *(" ".join(_parts(metrics[name])) if name in metrics else "" for name in present)]
        for title, metrics in by_name.items()
    ]
    show_table([what, *present], rows)


def _parts(metric: Any) -> list[str]:
    if not isinstance(metric, Mapping):
        return [_figure(metric), ""]
    low, high = metric.get("low"), metric.get("high")
    interval = "" if low is None or high is None else f"[{_figure(low)}, {_figure(high)}]"
    return [_figure(metric.get("value")), interval]


def _figure(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
