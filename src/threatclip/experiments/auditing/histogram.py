"""The drawing of one filter's scores: how many pairs have which score, and where the threshold lies."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from threatclip.experiments.report_svg import Scale, drawing, element, line, text
from threatclip.experiments.report_text import count

_BINS = 72
_WIDTH, _HEIGHT = 872.0, 190.0
_LEFT, _TOP, _BOTTOM = 62.0, 26.0, 150.0


def histogram(scores: Float[np.ndarray, " n"], *, threshold: float, kind: str, key: str) -> Markup:
    """Draw the scores of all pairs on a logarithmic scale of counts; bars from the threshold on are set apart.

    Args:
        scores: finite.
        threshold: from which on a pair is suspect; infinite: none is.
        kind: the filter.
        key: makes the drawing's ids unique in its page.
    """
    low, high = float(scores.min()), float(scores.max())
    shown = threshold if math.isfinite(threshold) and threshold <= high + (high - low) else None
    ends = (low, max(high, shown if shown is not None else high))
    if not ends[1] > ends[0]:
        ends = (low - 0.5, low + 0.5)
    counts, edges = np.histogram(scores, bins=_BINS, range=ends)
    x = Scale(low=ends[0], high=ends[1], start=_LEFT, end=_WIDTH - 12)
    y = Scale(low=0.0, high=math.log10(1 + max(int(counts.max()), 9)), start=_BOTTOM, end=_TOP)
    parts = [*_axes(x, y)]
    for number, left, right in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if number:
            parts.append(_bar(number, x(left), x(right), y(math.log10(1 + number)), left >= threshold))
    if shown is not None:
        parts.append(line(x(shown), _TOP - 4, x(shown), _BOTTOM, kind="reference"))
        anchor = "end" if x(shown) > _WIDTH / 2 else "start"
        gap = -5 if anchor == "end" else 5
        parts.append(text(x(shown) + gap, _TOP - 8, f"threshold {threshold:.4g}", anchor=anchor, kind="legend"))
    above = int((scores >= threshold).sum())
    told = (
        f"threshold {threshold:.4g}, {count(above)} pairs at or above it" if shown is not None else "no threshold shown"
    )
    return drawing(
        _WIDTH,
        _HEIGHT,
        *parts,
        key=key,
        title=f"Scores of {kind}",
        description=f"{count(len(scores))} pairs, scores from {low:.4g} to {high:.4g}, median {np.median(scores):.4g}; "
        f"{told}.",
    )


def _axes(x: Scale, y: Scale) -> list[Markup]:
    parts = []
    for power in range(int(y.high) + 1):
        level = y(math.log10(1 + 10**power))
        parts.append(line(x.start, level, x.end, level, kind="grid"))
        parts.append(text(x.start - 6, level + 4, count(10**power), anchor="end", kind="tick"))
    parts.append(line(x.start, _BOTTOM, x.end, _BOTTOM, kind="axis"))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        value = x.low + share * (x.high - x.low)
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        parts.append(text(x(value), _BOTTOM + 16, f"{value:.4g}", anchor=anchor, kind="tick"))
    parts.append(
        text((x.start + x.end) / 2, _BOTTOM + 34, "score; pairs on a logarithmic scale", anchor="middle", kind="tick")
    )
    return parts


def _bar(number: int, left: float, right: float, top: float, is_suspect: bool) -> Markup:
    shape = element(
        "rect",
        element("title", f"{count(number)} pairs"),
        x=left + 0.5,
        y=top,
        width=max(right - left - 1, 1),
        height=_BOTTOM - top,
        class_="hit" if is_suspect else "usual",
    )
    return shape
