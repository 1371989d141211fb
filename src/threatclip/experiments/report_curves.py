"""The two plots of confidence: is it kept, and what is gained by not answering when it is low."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from threatclip.experiments.plots import WIDTH, symbol
from threatclip.experiments.report_data import number, wilson
from threatclip.experiments.report_svg import Scale, drawing, element, fraction_range, line, text
from threatclip.experiments.report_text import count, figure

_STEADY_COVERAGE = 0.02  # the share of right answers among fewer rows jumps about too much to set the scale
_MOST_POINTS = 500


def reliability_plot(bins: Sequence[Mapping[str, Any]], *, key: str) -> Markup:
    """Draw the share of right answers against stated confidence, bin by bin, over a histogram of the bins' rows.

    Whiskers are 95% Wilson intervals [Wilson 1927] of independent rows.
    """
    x = Scale(low=0.0, high=1.0, start=60.0, end=500.0)
    y = Scale(low=0.0, high=1.0, start=350.0, end=14.0)
    parts = _axes(x, y, "stated confidence", "share of right answers")
    parts.append(line(x(0), y(0), x(1), y(1), kind="reference"))
    largest = max((int(one["n"]) for one in bins), default=0)
    depth = Scale(low=0.0, high=float(max(largest, 1)), start=486.0, end=418.0)
    parts.append(text(x(0), 410, "rows in each bin", kind="tick"))
    for one in bins:
        parts.append(_histogram_bar(one, x, depth))
        parts.append(_reliability_point(one, x, y))
    parts.append(line(x(0), depth(0), x(1), depth(0), kind="axis"))
    return drawing(
        516,
        506,
        *parts,
        key=key,
        title="Reliability diagram",
        description="Points on the diagonal keep what they promise; below it the model is too sure, above it not sure "
        "enough. " + " ".join(_bin_told(one) for one in bins if one["n"]),
    )


def _bin_told(one: Mapping[str, Any]) -> str:
    ends = f"{100 * one['low']:.0f} to {100 * one['high']:.0f}%"
    return f"Confidence {ends}: {figure(number(one['accuracy']), 'percent')} right of {count(one['n'])}."


def _histogram_bar(one: Mapping[str, Any], x: Scale, depth: Scale) -> Markup:
    if not one["n"]:
        return Markup("")
    left, right, top = x(one["low"]), x(one["high"]), depth(one["n"])
    label = text((left + right) / 2, 500, count(one["n"]), anchor="middle", kind="tick")
    return element(
        "g", element("rect", x=left + 1, y=top, width=right - left - 2, height=depth(0) - top, class_="track"), label
    )


def _reliability_point(one: Mapping[str, Any], x: Scale, y: Scale) -> Markup:
    accuracy, confidence = number(one["accuracy"]), number(one["confidence"])
    if accuracy is None or confidence is None:
        return Markup("")
    low, high = wilson(accuracy, int(one["n"]))
    return element(
        "g",
        element("title", _bin_told(one)),
        line(x(confidence), y(low), x(confidence), y(high), kind="whisker of-model"),
        symbol(x(confidence), y(accuracy), of_model=True),
        class_="mark",
    )


def coverage_plot(
    curve: Sequence[Mapping[str, Any]],
    *,
    key: str,
    target: float | None = None,
    chosen: tuple[float, float] | None = None,
) -> Markup:
    """Draw the share of right answers among those given against the share of rows answered, surest first.

    Args:
        curve: points with `coverage` and `precision`, fractions; its risk is 1 - precision.
        key: prefix of the drawing's ids.
        target: precision that the abstention threshold was fitted for, a dashed line.
        chosen: (coverage, precision) at that threshold.
    """
    points = _points(curve)
    heights = [p for c, p in points if c >= _STEADY_COVERAGE] or [p for _, p in points]
    low, _ = fraction_range([min(max(p, 0.0), 1.0) for p in [*heights, *([] if target is None else [target]), 1.0]])
    x = Scale(low=0.0, high=1.0, start=60.0, end=700.0)
    y = Scale(low=low, high=1.0, start=290.0, end=14.0)
    parts = _axes(x, y, "share of rows answered", "share of right answers among them")
    path = "L".join(f"{x(c):.1f} {y(p):.1f}" for c, p in points)
    parts.append(element("path", d=f"M{path}" if path else "", class_="curve"))
    if target is not None:
        parts.append(line(x(0), y(target), x(1), y(target), kind="reference"))
        parts.append(text(x(1) + 6, y(target) + 4, "target", kind="tick"))
    if chosen is not None:
        parts.append(line(x(chosen[0]), y(low), x(chosen[0]), y(chosen[1]), kind="drop"))
        parts.append(symbol(x(chosen[0]), y(chosen[1]), of_model=True))
        near_end = chosen[0] > 0.7
        told = f"threshold: answers {figure(chosen[0], 'percent')}, {figure(chosen[1], 'percent')} right"
        place = x(chosen[0]) + (-8 if near_end else 8)
        parts.append(text(place, y(low) - 10, told, anchor="end" if near_end else "start", kind="value"))
    return drawing(
        WIDTH,
        336,
        *parts,
        key=key,
        title="Risk and coverage",
        description="The fewer rows the model answers, surest first, the more of its answers are right."
        if not points
        else f"Answering every row, {figure(points[-1][1], 'percent')} are right; answering "
        f"{figure(points[0][0], 'percent')} of rows, {figure(points[0][1], 'percent')} are.",
    )


def _points(curve: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Return (coverage, precision) by rising coverage, at most about `_MOST_POINTS` of them."""
    points = []
    for one in curve:
        coverage, precision = number(one["coverage"]), number(one["precision"])
        if coverage is not None and precision is not None:
            points.append((coverage, precision))
    points.sort()
    stride = max(1, len(points) // _MOST_POINTS)
    return points[:-1:stride] + points[-1:]


def _axes(x: Scale, y: Scale, x_title: str, y_title: str) -> list[Markup]:
    parts = []
    for tick in x.ticks():
        parts.append(line(x(tick), y.start, x(tick), y.end, kind="grid"))
        parts.append(text(x(tick), y.start + 16, f"{100 * tick:.0f}%", anchor="middle", kind="tick"))
    for tick in y.ticks():
        parts.append(line(x.start, y(tick), x.end, y(tick), kind="grid"))
        parts.append(text(x.start - 6, y(tick) + 4, f"{100 * tick:.0f}%", anchor="end", kind="tick"))
    parts.append(text((x.start + x.end) / 2, y.start + 34, x_title, anchor="middle", kind="label"))
    middle = (y.start + y.end) / 2
    turned = f"translate(14 {middle:.2f}) rotate(-90)"
    parts.append(element("text", y_title, text_anchor="middle", class_="label", transform=turned))
    return parts
