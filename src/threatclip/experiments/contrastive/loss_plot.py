"""The loss of every stage over its steps, from the run's own records."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from threatclip.experiments.plots import WIDTH
from threatclip.experiments.report_svg import Scale, drawing, element, line, shortened, text
from threatclip.experiments.report_text import count

_MOST_POINTS = 160
Losses = Mapping[str, list[tuple[int, float]]]


def read_losses(path: Path) -> dict[str, list[tuple[int, float]]]:
    """Return (step, loss) of each stage from a run's step records; lines that a kill tore are passed over."""
    losses: dict[str, list[tuple[int, float]]] = {}
    if not path.is_file():
        return losses
    for row in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(row)
            step, loss = int(record["step"]), float(record["losses"]["loss"])
        except (ValueError, TypeError, KeyError):
            continue
        if math.isfinite(loss):
            losses.setdefault(str(record.get("stage")), []).append((step, loss))
    return losses


def loss_plot(losses: Losses, *, key: str) -> Markup:
    """Draw one curve a stage, side by side on one scale of loss; each point is the mean of a few steps."""
    curves = {stage: thinned(points) for stage, points in losses.items() if points}
    values = [loss for points in curves.values() for _, loss in points]
    if not values:
        return Markup("")
    low, high = min(values), max(values)
    y = Scale(low=low, high=high if high > low else low + 1.0, start=250.0, end=30.0)
    width = (WIDTH - 60.0) / len(curves)
    parts = [line(60, y(tick), WIDTH, y(tick), kind="grid") for tick in y.ticks()]
    parts += [text(54, y(tick) + 4, f"{tick:.2f}", anchor="end", kind="tick") for tick in y.ticks()]
    for place, (stage, points) in enumerate(curves.items()):
        left = 60.0 + place * width
        last = max(points[-1][0], 2)
        x = Scale(low=1.0, high=float(last), start=left + 6, end=left + width - 12)
        parts.append(text(left + 6, 18, shortened(stage, int(width / 8)), kind="head"))
        parts.append(text(x(last), 268, f"{count(last)} steps", anchor="end", kind="tick"))
        path = "L".join(f"{x(step):.1f} {y(loss):.1f}" for step, loss in points)
        parts.append(element("path", d=f"M{path}", class_="curve"))
    told = "; ".join(f"{stage}: from {points[0][1]:.2f} to {points[-1][1]:.2f}" for stage, points in curves.items())
    return drawing(WIDTH, 280, *parts, key=key, title="Training loss", description=told)


def thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return at most `_MOST_POINTS` points, each the mean of neighbors."""
    size = -(-len(points) // _MOST_POINTS)
    parts = [points[start : start + size] for start in range(0, len(points), size)]
    return [(part[-1][0], sum(loss for _, loss in part) / len(part)) for part in parts]
