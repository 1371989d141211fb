"""The scores of an audit as a drawing that a threshold moves over, without style attributes: policy forbids them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from threatclip.experiments.report_svg import Scale, element, line, text
from threatclip.experiments.report_text import count

WIDTH, HEIGHT = 960.0, 116.0
LEFT = 36.0  # of the bars; the page's style sheet begins the slider there
_BINS = 96
_TOP, _BOTTOM = 12.0, 96.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoresPlot:
    """The drawing, and the ends of its scale: those of the slider below it."""

    svg: Markup
    low: float
    high: float


def scores_plot(scores: Float[np.ndarray, " n"], *, threshold: float | None, kind: str) -> ScoresPlot | None:
    """Draw how many pairs have which score, on a logarithmic scale of counts; None where no pair has one.

    Args:
        scores: NaN for pairs that were not judged.
        threshold: bars from here on are set apart; None: none are.
        kind: what the scores are called.
    """
    known = scores[np.isfinite(scores)]
    if not known.size:
        return None
    low, high = float(known.min()), float(known.max())
    if not high > low:
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(known, bins=_BINS, range=(low, high))
    x = Scale(low=low, high=high, start=LEFT, end=WIDTH)
    y = Scale(low=0.0, high=math.log10(1 + max(int(counts.max()), 9)), start=_BOTTOM, end=_TOP)
    cut = math.inf if threshold is None else threshold
    parts = _axes(x, y)
    for number, left, right in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if number:
            parts.append(_bar(number, x(left), x(right), y(math.log10(1 + number)), (left + right) / 2, cut))
    place = x(cut) if math.isfinite(cut) else -9.0
    parts.append(line(place, 4, place, _BOTTOM, kind="cut"))
    told = "no threshold" if threshold is None else f"{count(int((known >= threshold).sum()))} from {threshold:.4g} on"
    svg = element(
        "svg",
        element("title", f"Scores: {kind}"),
        element("desc", f"{count(known.size)} pairs, from {low:.4g} to {high:.4g}; {told}."),
        *parts,
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        role="img",
        class_="scores",
        aria_label=f"Histogram of {kind}",
    )
    return ScoresPlot(svg=svg, low=low, high=high)


def _axes(x: Scale, y: Scale) -> list[Markup]:
    parts = []
    for power in range(1, int(y.high) + 1):
        level = y(math.log10(1 + 10**power))
        parts.append(line(LEFT, level, WIDTH, level, kind="grid"))
        parts.append(text(LEFT - 6, level + 4, count(10**power), anchor="end", kind="tick"))
    parts.append(line(LEFT, _BOTTOM, WIDTH, _BOTTOM, kind="axis"))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        parts.append(
            text(
                LEFT + share * (WIDTH - LEFT),
                HEIGHT - 5,
                f"{x.low + share * (x.high - x.low):.4g}",
                anchor=anchor,
                kind="tick",
            )
        )
    return parts


def _bar(number: int, left: float, right: float, top: float, middle: float, cut: float) -> Markup:
    return element(
        "rect",
        element("title", f"{count(number)} pairs"),
        x=left + 0.5,
        y=top,
        width=max(right - left - 1, 1),
        height=_BOTTOM - top,
        class_="hit" if middle >= cut else "usual",
        data_score=f"{middle:.9g}",
        data_count=str(number),
    )
