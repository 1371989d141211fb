"""Dose curves as SVG: a small panel for each attack, success over the number of poisons on a logarithmic scale."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from threatclip.experiments.plots import WIDTH, symbol
from threatclip.experiments.report_data import Estimate
from threatclip.experiments.report_svg import TEXT_WIDTH, Scale, drawing, element, line, shortened, text
from threatclip.experiments.report_text import count, figure, interval

_COLUMNS = 3
_PANEL_HEIGHT = 182.0
_TICK_GAP = 27.0  # pixels between two labels below which the later one is left out
_PAD = 0.12  # of a factor of ten, beside the least and the most poisons


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One dose: the attacked model, the clean model beside it, random queries where there are any, single seeds."""

    count: int
    own: Estimate
    clean: Estimate
    random: Estimate | None = None
    seeds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One attack over its doses."""

    title: str
    points: tuple[CurvePoint, ...]


def dose_curves(curves: Sequence[Curve], *, key: str, title: str, measure: str, clean: str) -> Markup:
    """Draw fractions from 0 to 1 over poisons, all panels on one scale.

    Args:
        curves: what is drawn, panels from left to right and down; a point without a figure is left out.
        key: prefix of the drawing's ids, unique on its page.
        title: accessible name.
        measure: what the points are: `ASR@1`.
        clean: what the dashed line is.
    """
    counts = [point.count for curve in curves for point in curve.points]
    low, high = (math.log10(edge) for edge in (min(counts), max(counts)))
    rows = -(-len(curves) // _COLUMNS)
    width, top = WIDTH / _COLUMNS, 30.0
    parts = [_legend(curves, measure, clean)]
    for place, curve in enumerate(curves):
        left, above = (place % _COLUMNS) * width, top + (place // _COLUMNS) * _PANEL_HEIGHT
        x = Scale(low=low - _PAD, high=high + _PAD, start=left + 38, end=left + width - 14)
        y = Scale(low=0.0, high=1.0, start=above + _PANEL_HEIGHT - 40, end=above + 26)
        parts.append(element("g", *_panel(curve, x, y, measure)))
    bottom = top + rows * _PANEL_HEIGHT
    parts.append(text(WIDTH / 2, bottom + 6, "poisoned pairs, logarithmic scale", anchor="middle", kind="label"))
    told = " ".join(_told(curve, point, measure) for curve in curves for point in curve.points)
    return drawing(WIDTH, bottom + 14, *parts, key=key, title=title, description=told)


def _panel(curve: Curve, x: Scale, y: Scale, measure: str) -> list[Markup]:
    parts = [element("g", element("title", curve.title), _head(curve, x, y))]
    for share in (0.0, 0.5, 1.0):
        parts.append(line(x.start, y(share), x.end, y(share), kind="grid"))
        parts.append(text(x.start - 5, y(share) + 4, f"{100 * share:.0f}%", anchor="end", kind="tick"))
    points = sorted((point for point in curve.points if point.own.value is not None), key=lambda point: point.count)
    taken = -math.inf
    for point in points:
        place = x(math.log10(point.count))
        if place - taken >= _TICK_GAP:
            parts.append(text(place, y.start + 16, count(point.count), anchor="middle", kind="tick"))
            taken = place
    parts += _clean_line(points, x, y)
    path = "L".join(f"{x(math.log10(point.count)):.1f} {y(point.own.value or 0.0):.1f}" for point in points)
    parts.append(element("path", d=f"M{path}" if path else "", class_="curve"))
    return [*parts, *(_mark(curve, point, x, y, measure) for point in points)]


def _head(curve: Curve, x: Scale, y: Scale) -> Markup:
    return text(x.start, y.end - 10, shortened(curve.title, int((x.end - x.start) / TEXT_WIDTH)), kind="head")


def _clean_line(points: Sequence[CurvePoint], x: Scale, y: Scale) -> list[Markup]:
    """Return the clean model's figure through all doses, drawn on to both edges."""
    known = [(x(math.log10(p.count)), y(p.clean.value)) for p in points if p.clean.value is not None]
    if not known:
        return []
    ends = [(x.start, known[0][1]), *known, (x.end, known[-1][1])]
    return [line(*first, *second, kind="reference") for first, second in itertools.pairwise(ends)]


def _mark(curve: Curve, point: CurvePoint, x: Scale, y: Scale, measure: str) -> Markup:
    place, own = x(math.log10(point.count)), point.own
    parts = [element("title", _told(curve, point, measure))]
    if own.low is not None and own.high is not None:
        parts.append(line(place, y(own.low), place, y(own.high), kind="whisker of-model"))
    if point.random is not None and point.random.value is not None:
        parts.append(symbol(place, y(point.random.value), of_model=False))
    parts += [element("circle", cx=place + 8, cy=y(seed), r=1.8, class_="seed") for seed in point.seeds]
    parts.append(symbol(place, y(own.value or 0.0), of_model=True))
    return element("g", *parts, class_="mark")


def _told(curve: Curve, point: CurvePoint, measure: str) -> str:
    own = f"{measure} {figure(point.own.value, 'percent')} (95% interval {interval(point.own, 'percent')})"
    others = [f"clean model {figure(point.clean.value, 'percent')}"]
    if point.random is not None:
        others.append(f"random queries {figure(point.random.value, 'percent')}")
    return f"{curve.title}, {count(point.count)} poisons: {own}, {', '.join(others)}."


def _legend(curves: Sequence[Curve], measure: str, clean: str) -> Markup:
    points = [point for curve in curves for point in curve.points]
    parts, x = [], 8.0
    for kind, name in (
        ("model", measure),
        ("reference", clean),
        ("random", "random queries"),
        ("seed", "single seeds"),
    ):
        if kind == "random" and all(point.random is None for point in points):
            continue
        if kind == "seed" and not any(point.seeds for point in points):
            continue
        match kind:
            case "reference":
                parts.append(line(x - 4, 10, x + 14, 10, kind="reference"))
            case "seed":
                parts.append(element("circle", cx=x + 6, cy=10, r=1.8, class_="seed"))
            case _:
                parts.append(symbol(x + 6, 10, of_model=kind == "model"))
        parts.append(text(x + 20, 14, name, kind="legend"))
        x += 44 + len(name) * TEXT_WIDTH
    return element("g", *parts)
