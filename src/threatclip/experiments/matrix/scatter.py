"""Clean accuracy against attack success as SVG: a point for each learning rate, a line for each defense."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from threatclip.experiments.plots import WIDTH
from threatclip.experiments.report_data import Estimate
from threatclip.experiments.report_svg import TEXT_WIDTH, Scale, drawing, element, line, shortened, text
from threatclip.experiments.report_text import figure, interval

N_SERIES = 8
"""Colors of the style sheet; the ninth defense has the first one's color and another sign."""
_HEIGHT, _LEFT, _TOP = 330.0, 52.0, 14.0
_SIGNS = ("circle", "square", "diamond", "triangle")
_LEGEND_CHARACTERS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One model: what is drawn, how it is told, and whether a defender takes it."""

    accuracy: Estimate
    success: Estimate
    told: str
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One defense over its learning rates, in their order; a series without a line is of single models."""

    title: str
    points: tuple[Point, ...]
    joined: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The corner that a defense should reach: at least so much accuracy, at most so much success."""

    accuracy: float
    success: float


def scatter(
    bare: Point,
    series: Sequence[Series],
    *,
    key: str,
    title: str,
    measure: str,
    floor: float | None,
    goal: Goal | None,
) -> Markup:
    """Draw defenses of one attack; to the right is more accuracy, further down less success: down right is best.

    Args:
        bare: the model without defense.
        series: what is drawn; a point without a figure is left out.
        key: prefix of the drawing's ids, unique on its page.
        title: accessible name.
        measure: what the height is: `ASR@1`.
        floor: what the clean model does with the same rows.
        goal: the corner to reach.
    """
    known = [bare, *(point for one in series for point in one.points)]
    values = [point.accuracy.value for point in known if point.accuracy.value is not None]
    low, high = _range(values)
    x = Scale(low=low, high=high, start=_LEFT, end=WIDTH - 16)
    y = Scale(low=0.0, high=1.0, start=_TOP + _HEIGHT, end=_TOP)
    parts = [_frame(x, y, measure), *_marks(x, y, floor, goal, measure)]
    for place, one in enumerate(series):
        parts.append(_series(one, place, x, y))
    parts.append(_cross(bare, x, y))
    names = ["no defense", *(one.title for one in series)]
    legend, bottom = _legend(names, y.start + 44)
    told = " ".join(f"{point.told}." for point in known)
    return drawing(WIDTH, bottom, *parts, legend, key=key, title=title, description=told)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return whole twentieths that hold all values, at least a tenth wide."""
    if not values:
        return 0.0, 1.0
    low = math.floor(min(values) * 20 - 0.1) / 20
    high = math.ceil(max(values) * 20 + 0.1) / 20
    return max(0.0, min(low, high - 0.1)), min(1.0, max(high, low + 0.1))


def _frame(x: Scale, y: Scale, measure: str) -> Markup:
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(line(x.start, y(tick), x.end, y(tick), kind="grid"))
        parts.append(text(x.start - 6, y(tick) + 4, f"{100 * tick:.0f}%", anchor="end", kind="tick"))
    for tick in x.ticks(9):
        parts.append(line(x(tick), y.end, x(tick), y.start, kind="grid"))
        parts.append(text(x(tick), y.start + 16, f"{100 * tick:.3g}%", anchor="middle", kind="tick"))
    parts.append(text(x.end, y.start + 30, "clean accuracy", anchor="end", kind="label"))
    parts.append(text(x.start + 6, y.end + 12, measure, kind="label"))
    return element("g", *parts)


def _marks(x: Scale, y: Scale, floor: float | None, goal: Goal | None, measure: str) -> list[Markup]:
    parts = []
    if goal is not None and goal.accuracy < x.high:
        left, top = x(goal.accuracy), y(goal.success)
        told = f"goal: {measure} of {figure(goal.success, 'percent')} at most"
        rect = element("rect", x=left, y=top, width=x.end - left, height=y.start - top, class_="goal")
        parts.append(element("g", element("title", told), rect))
    if floor is not None:
        told = element("title", f"same rows, clean model: {figure(floor, 'percent')}")
        parts.append(element("g", told, line(x.start, y(floor), x.end, y(floor), kind="reference")))
    return parts


def _series(one: Series, place: int, x: Scale, y: Scale) -> Markup:
    points = [
        (x(point.accuracy.value), y(point.success.value), point)
        for point in one.points
        if point.accuracy.value is not None and point.success.value is not None
    ]
    parts = []
    if one.joined and len(points) > 1:
        path = "L".join(f"{left:.1f} {top:.1f}" for left, top, _ in points)
        parts.append(element("path", d=f"M{path}", class_="frontier"))
    for left, top, point in points:
        inner = [element("title", point.told)]
        if point.chosen:
            inner.append(element("circle", cx=left, cy=top, r=8.5, class_="ring"))
        inner.append(sign(left, top, place))
        parts.append(element("g", *inner, class_="mark"))
    return element("g", *parts, class_=f"series series-{place % N_SERIES}")


def sign(left: float, top: float, place: int) -> Markup:
    """Return the sign of one defense: color and shape together tell sixteen and more apart."""
    match _SIGNS[(place + place // N_SERIES) % len(_SIGNS)]:
        case "square":
            return element("rect", x=left - 4, y=top - 4, width=8, height=8, class_="sign")
        case "diamond":
            return element("path", d=f"M{left - 5.5:.2f} {top:.2f}l5.5 -5.5 5.5 5.5 -5.5 5.5z", class_="sign")
        case "triangle":
            return element("path", d=f"M{left - 5:.2f} {top + 4:.2f}l5 -9 5 9z", class_="sign")
        case _:
            return element("circle", cx=left, cy=top, r=4.5, class_="sign")


def _cross(bare: Point, x: Scale, y: Scale) -> Markup:
    if bare.accuracy.value is None or bare.success.value is None:
        return Markup("")
    left, top = x(bare.accuracy.value), y(bare.success.value)
    return element("g", element("title", bare.told), cross(left, top), class_="mark")


def cross(left: float, top: float) -> Markup:
    """Return the sign of the model without defense."""
    return element("path", d=f"M{left - 5:.2f} {top - 5:.2f}l10 10m0 -10l-10 10", class_="cross")


def _legend(names: Sequence[str], top: float) -> tuple[Markup, float]:
    parts, left = [], 10.0
    for place, name in enumerate(names):
        label = shortened(name, _LEGEND_CHARACTERS)
        width = 34 + len(label) * TEXT_WIDTH
        if left + width > WIDTH and left > 10.0:
            left, top = 10.0, top + 20
        if place == 0:
            parts.append(cross(left + 6, top - 4))
        else:
            kind = f"series series-{(place - 1) % N_SERIES}"
            parts.append(element("g", sign(left + 6, top - 4, place - 1), class_=kind))
        parts.append(text(left + 18, top, label, kind="legend"))
        left += width
    return element("g", *parts), top + 12


def told_point(title: str, accuracy: Estimate, success: Estimate, *, measure: str) -> str:
    """Say one model in words."""
    return (
        f"{title}: clean accuracy {figure(accuracy.value, 'percent')} ({interval(accuracy, 'percent')}), "
        f"{measure} {figure(success.value, 'percent')} ({interval(success, 'percent')})"
    )
