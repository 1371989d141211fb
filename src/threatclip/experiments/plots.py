"""The plots of a report: pure functions from figures to SVG markup, without script, style or outside resources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from threatclip.experiments.report_data import Estimate
from threatclip.experiments.report_svg import (
    TEXT_WIDTH,
    Scale,
    drawing,
    element,
    fraction_range,
    line,
    shortened,
    text,
)
from threatclip.experiments.report_text import Unit, count, figure, interval

WIDTH = 872.0
_TICK_GAP = 30.0  # pixels that the label of a tick takes
MAX_HEAT_CLASSES = 40
"""More classes than this and the cells of a heat map can no longer be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One figure of a dot plot: the model's own (a filled disk) or another's (a hollow diamond)."""

    name: str
    estimate: Estimate
    of_model: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a dot plot: its label and, for each panel in order, its marks from top to bottom."""

    label: str
    cells: tuple[tuple[Mark, ...], ...]
    emphasized: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One metric of a dot plot; `reference` is drawn as a dashed line through all rows."""

    title: str
    reference: float | None = None
    unit: Unit = "percent"


def dot_plot(
    rows: Sequence[Row],
    panels: Sequence[Panel],
    *,
    key: str,
    title: str,
    description: str,
    legend: Sequence[tuple[str, str]] = (),
) -> Markup:
    """Draw fractions as dots with whiskers, one line per row, one panel per metric.

    Args:
        rows: the lines, from top to bottom; a mark without a value is left out.
        panels: the metrics, from left to right.
        key: prefix of the drawing's ids, unique on its page.
        title: accessible name.
        description: what a reader who cannot see the drawing should know.
        legend: (kind, name) with the kinds `model`, `other` and `reference`.
    """
    gutter = min(264.0, max((len(row.label) for row in rows), default=0) * TEXT_WIDTH + 14)
    spacing = 17.0
    heights = [max((len(cell) for cell in row.cells), default=1) * spacing + 10 for row in rows]
    top = 44.0 if legend else 24.0
    bottom = top + sum(heights)
    width = (WIDTH - gutter) / max(len(panels), 1)
    parts = [_legend(legend, gutter)] if legend else []
    for index, panel in enumerate(panels):
        marks = [mark for row in rows for mark in row.cells[index]]
        left = gutter + index * width
        scale = _panel_scale(marks, panel, left + 8, left + width - 58)
        parts.append(_panel_frame(panel, scale, top, bottom))
        y = top
        for row, height in zip(rows, heights, strict=True):
            for place, mark in enumerate(row.cells[index]):
                middle = y + height / 2 + (place - (len(row.cells[index]) - 1) / 2) * spacing
                parts.append(_dot(mark, row.label, scale, middle, left + width - 8, panel.unit))
            y += height
    parts += _row_labels(rows, heights, top, gutter)
    return drawing(WIDTH, bottom + 26, *parts, key=key, title=title, description=description)


def _panel_scale(marks: Sequence[Mark], panel: Panel, start: float, end: float) -> Scale:
    ends = [x for m in marks for x in (m.estimate.value, m.estimate.low, m.estimate.high, panel.reference)]
    low, high = fraction_range([min(max(x, -1.0), 1.0) for x in ends if x is not None])
    return Scale(low=low, high=high, start=start, end=end)


def _panel_frame(panel: Panel, scale: Scale, top: float, bottom: float) -> Markup:
    parts = [text(scale.start, top - 8, panel.title, kind="head")]
    for tick in scale.ticks(min(6, 1 + int((scale.end - scale.start) / _TICK_GAP))):
        parts.append(line(scale(tick), top, scale(tick), bottom, kind="grid"))
        label = f"{100 * tick:.0f}%" if panel.unit == "percent" else f"{tick:.2g}"
        parts.append(text(scale(tick), bottom + 16, label, anchor="middle", kind="tick"))
    if panel.reference is not None:
        parts.append(line(scale(panel.reference), top, scale(panel.reference), bottom, kind="reference"))
    return element("g", *parts)


def _row_labels(rows: Sequence[Row], heights: Sequence[float], top: float, gutter: float) -> list[Markup]:
    parts, y = [], top
    for row, height in zip(rows, heights, strict=True):
        label = shortened(row.label, int((gutter - 12) / TEXT_WIDTH))
        kind = "label own" if row.emphasized else "label"
        parts.append(text(gutter - 6, y + height / 2 + 4, label, anchor="end", kind=kind))
        y += height
        parts.append(line(0, y, WIDTH, y, kind="rule"))
    return parts


def _dot(mark: Mark, label: str, scale: Scale, y: float, value_x: float, unit: Unit) -> Markup:
    estimate = mark.estimate
    if estimate.value is None:
        return text(value_x, y + 4, figure(None, unit), anchor="end", kind="value")
    kind = "of-model" if mark.of_model else "of-other"
    told = f"{label}, {mark.name}: {figure(estimate.value, unit)} (95% interval {interval(estimate, unit)})"
    parts = [element("title", told)]
    if estimate.low is not None and estimate.high is not None:
        parts.append(line(scale(estimate.low), y, scale(estimate.high), y, kind=f"whisker {kind}"))
    parts.append(symbol(scale(estimate.value), y, of_model=mark.of_model))
    parts.append(text(value_x, y + 4, figure(estimate.value, unit), anchor="end", kind="value"))
    return element("g", *parts, class_="mark")


def symbol(x: float, y: float, *, of_model: bool) -> Markup:
    """Return the sign of one figure: a filled disk for the model's, a hollow diamond for another's."""
    if of_model:
        return element("circle", cx=x, cy=y, r=4.5, class_="dot of-model")
    return element("path", d=f"M{x - 5:.2f} {y:.2f}l5 -5 5 5 -5 5z", class_="dot of-other")


def _legend(legend: Sequence[tuple[str, str]], x: float) -> Markup:
    parts = []
    for kind, name in legend:
        if kind == "reference":
            parts.append(line(x + 2, 10, x + 20, 10, kind="reference"))
        else:
            parts.append(symbol(x + 12, 10, of_model=kind == "model"))
        parts.append(text(x + 26, 14, shortened(name, 34), kind="legend"))
        x += 44 + len(shortened(name, 34)) * TEXT_WIDTH
    return element("g", *parts)


def bar(estimate: Estimate, *, label: str) -> Markup:
    """Draw one fraction as a bar of a table cell, with its interval as a whisker."""
    if estimate.value is None:
        return Markup("")
    scale = Scale(low=0.0, high=1.0, start=1.0, end=119.0)
    value = scale(estimate.value)
    parts = [
        element("rect", x=1, y=3, width=118, height=8, class_="track"),
        element("rect", x=1, y=3, width=value - 1, height=8, class_="fill"),
    ]
    if estimate.low is not None and estimate.high is not None:
        parts.append(line(scale(estimate.low), 7, scale(estimate.high), 7, kind="interval"))
    told = f"{label}: {figure(estimate.value, 'percent')}"
    return element("svg", element("title", told), *parts, viewBox="0 0 120 14", width=120, height=14, role="img")


def heat_map(classes: Sequence[str], counts: Sequence[Sequence[int]], *, key: str) -> Markup:
    """Draw a confusion table: a row per true class, a column per answer, count and share of the row in each cell.

    Right answers are drawn in the accent color, wrong ones in ink; the shade is the share of the row.
    """
    cell = 46.0
    cut = 22
    longest = min(cut, max((len(name) for name in classes), default=0))
    left, top = longest * TEXT_WIDTH + 62, longest * TEXT_WIDTH * 0.75 + 34
    side = len(classes) * cell
    parts = [
        text(left - 8, top - 8, "truth ↓   answer →", anchor="end", kind="tick"),
    ]
    right = sum(row[i] for i, row in enumerate(counts))
    for index, (name, row) in enumerate(zip(classes, counts, strict=True)):
        middle = (index + 0.5) * cell
        short = shortened(name, cut)
        label = element("text", short, text_anchor="start", class_="label", transform=_slanted(left + middle, top - 6))
        parts.append(label)
        parts.append(text(left - 8, top + middle, short, anchor="end", kind="label"))
        parts.append(text(left - 8, top + middle + 14, f"n {count(sum(row))}", anchor="end", kind="tick"))
        parts += [
            _heat_cell(row, index, column, (name, classes[column]), left + column * cell, top + index * cell, cell)
            for column in range(len(classes))
        ]
    parts.append(element("rect", x=left, y=top, width=side, height=side, class_="frame"))
    total = sum(map(sum, counts))
    return drawing(
        left + side + longest * TEXT_WIDTH * 0.75 + 8,
        top + side + 2,
        *parts,
        key=key,
        title="Confusion of classes",
        description=f"Rows are true classes, columns are answers. {count(right)} of {count(total)} rows lie on the "
        "diagonal, which is where the answer is right. The table of the commonest mix-ups follows.",
    )


def _slanted(x: float, y: float) -> str:
    return f"translate({x:.2f} {y:.2f}) rotate(-45)"


def _heat_cell(
    row: Sequence[int], index: int, column: int, names: tuple[str, str], x: float, y: float, cell: float
) -> Markup:
    support = sum(row)
    share = row[column] / support if support else 0.0
    kind = "hit" if index == column else "miss"
    told = f"truth {names[0]}, answer {names[1]}: {count(row[column])} of {count(support)} ({figure(share, 'percent')})"
    parts = [
        element("title", told),
        element("rect", x=x, y=y, width=cell, height=cell, class_="cell"),
    ]
    if row[column]:
        opacity = 0.08 + 0.92 * share
        parts.append(
            element("rect", x=x + 0.5, y=y + 0.5, width=cell - 1, height=cell - 1, class_=kind, fill_opacity=opacity)
        )
        ink = "inverse" if share > 0.5 else "plain"
        parts.append(text(x + cell / 2, y + cell / 2 - 1, count(row[column]), anchor="middle", kind=f"count {ink}"))
        parts.append(text(x + cell / 2, y + cell / 2 + 13, f"{100 * share:.0f}%", anchor="middle", kind=f"share {ink}"))
    return element("g", *parts, class_="heat")
