"""Markdown of a study: one table function, figures with their intervals, hostile text made harmless."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from threatclip.evaluation.intervals import Metric
from threatclip.experiments.report_data import Estimate, number
from threatclip.experiments.report_text import DASH, defang, figure, interval, points, points_interval, visible

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~!$])")


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line: no markup, no link, nothing unseen."""
    shown = defang(visible(" ".join(text.split())))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", shown)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, n_text: int = 1) -> str:
    """Return a Markdown table, every cell escaped; the first `n_text` columns are text, the others figures."""
    if not rows:
        return "Nothing to show: the cells behind this table are missing."
    rule = [*[":---"] * n_text, *["---:"] * (len(headers) - n_text)]
    lines = [[escape(name) for name in headers], rule, *([escape(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    """Return text as an indented code block of one line, which nothing in it can end."""
    return f"    {visible(' '.join(text.split()))}"


def document(blocks: Sequence[str]) -> str:
    """Return blocks as one Markdown text, a blank line between them."""
    return "\n\n".join(block for block in blocks if block) + "\n"


def percent(value: float | None) -> str:
    """Write a fraction in percent without the sign: `71.2`; a dash for None or NaN."""
    return DASH if value is None or math.isnan(value) else figure(value, "percent").removesuffix("%")


def percents(values: Sequence[float]) -> str:
    """Write several fractions in percent: `70.1, 71.9`."""
    return ", ".join(percent(value) for value in values) or DASH


def with_interval(metric: Metric | None) -> str:
    """Write a figure with its interval in percent: `71.2 (68.1–74.2)`; a dash for None or NaN."""
    if metric is None or math.isnan(metric.value):
        return DASH
    return f"{percent(metric.value)} ({interval(_estimate(metric), 'percent')})"


def difference(metric: Metric | None) -> str:
    """Write a difference with its interval in points: `+3.9 (+0.5 to +7.1)`; a dash for None or NaN."""
    if metric is None or math.isnan(metric.value):
        return DASH
    return f"{points(metric.value)} ({points_interval(_estimate(metric))})"


def shown(metric: Metric, *, what: str) -> str:
    """Return in words whether a difference is shown: its interval excludes 0, or not."""
    by, ends = points(metric.value), points_interval(_estimate(metric))
    if metric.low > 0:
        return f"higher in {what} by {by} points ({ends}, which excludes 0)"
    if metric.high < 0:
        return f"lower in {what} by {by} points ({ends}, which excludes 0)"
    return f"not shown to differ in {what} ({by} points, {ends}, which includes 0)"


def _estimate(metric: Metric) -> Estimate:
    finite = {name: number(end) for name, end in metric.as_dict().items() if name != "n"}
    return Estimate(**finite, n=metric.n)
