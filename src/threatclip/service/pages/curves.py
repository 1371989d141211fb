"""The curves of a training, finished or in progress, from the records that it appends to its run folder."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from threatclip.experiments.report_svg import Scale, element, line, shortened, text
from threatclip.experiments.report_text import count

_TAIL_BYTES = 8 * 2**20  # what is read of a long log: it is read again every few seconds
_MOST_POINTS = 240
_WIDTH, _HEIGHT = 960.0, 250.0
_LEFT, _TOP, _BOTTOM = 56.0, 34.0, 214.0
_SMOOTHING = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a training: (step, loss) of its records, and the last of these."""

    name: str
    points: tuple[tuple[int, float], ...]
    last: Mapping[str, Any]


def read_stages(path: Path) -> list[Stage]:
    """Return the stages in a run's records, in order; of a long log its end. Torn lines are passed over."""
    found: dict[str, list[tuple[int, float]]] = {}
    last: dict[str, Mapping[str, Any]] = {}
    for row in _tail(path).splitlines():
        try:
            record = json.loads(row)
            name, step, loss = str(record["stage"]), int(record["step"]), float(record["losses"]["loss"])
            facts = {key: float(record[key]) for key in ("epoch", "lr", "grad_norm", "seconds", "rows")}
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        if math.isfinite(loss) and all(map(math.isfinite, facts.values())):
            found.setdefault(name, []).append((step, loss))
            last[name] = {**facts, "step": step, "loss": loss}
    return [Stage(name=name, points=tuple(points), last=last[name]) for name, points in found.items()]


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            size = handle.seek(0, 2)
            handle.seek(max(0, size - _TAIL_BYTES))
            return handle.read(_TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def curves(stages: Sequence[Stage]) -> Markup:
    """Draw the loss of each stage beside the others on one scale: its records pale, their running mean over them."""
    shown = [stage for stage in stages if stage.points]
    if not shown:
        return Markup("")
    thin = {stage.name: _thinned(stage.points) for stage in shown}
    values = [loss for points in thin.values() for _, loss in points]
    low, high = min(values), max(values)
    y = Scale(low=low, high=high if high > low else low + 1.0, start=_BOTTOM, end=_TOP)
    parts = [line(_LEFT, y(tick), _WIDTH, y(tick), kind="grid") for tick in y.ticks(5)]
    parts += [text(_LEFT - 8, y(tick) + 4, f"{tick:.4g}", anchor="end", kind="tick") for tick in y.ticks(5)]
    width = (_WIDTH - _LEFT) / len(shown)
    for place, stage in enumerate(shown):
        parts += _stage(stage.name, thin[stage.name], y, left=_LEFT + place * width, width=width)
    told = "; ".join(f"{stage.name}: {stage.points[0][1]:.4g} to {stage.points[-1][1]:.4g}" for stage in shown)
    return element(
        "svg",
        element("title", "Training loss"),
        element("desc", told),
        *parts,
        viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        role="img",
        class_="curves",
        aria_label="Training loss",
    )


def _stage(name: str, points: Sequence[tuple[int, float]], y: Scale, *, left: float, width: float) -> list[Markup]:
    first, last = points[0][0], max(points[-1][0], points[0][0] + 1)
    x = Scale(low=float(first), high=float(last), start=left + 4, end=left + width - 14)
    parts = [
        text(left + 4, 16, shortened(name, int(width / 7)), kind="head"),
        text(x(first), _BOTTOM + 18, count(first), kind="tick"),
        text(x(last), _BOTTOM + 18, f"{count(last)} steps", anchor="end", kind="tick"),
        element("path", d=_path(points, x, y), class_="raw"),
        element("path", d=_path(_smooth(points), x, y), class_="mean"),
    ]
    end, loss = _smooth(points)[-1]
    parts.append(element("circle", cx=x(end), cy=y(loss), r=3, class_="end"))
    parts.append(text(left + width - 14, 16, f"{points[-1][1]:.4g}", anchor="end", kind="value"))
    return parts


def _path(points: Sequence[tuple[int, float]], x: Scale, y: Scale) -> str:
    return "M" + "L".join(f"{x(step):.1f} {y(loss):.1f}" for step, loss in points)


def _smooth(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return the running mean of the losses, each old one counting nine tenths of the next; unbiased at the start."""
    mean, weight, found = 0.0, 0.0, []
    for step, loss in points:
        mean, weight = _SMOOTHING * mean + (1 - _SMOOTHING) * loss, _SMOOTHING * weight + 1 - _SMOOTHING
        found.append((step, mean / weight))
    return found


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return at most so many points as a drawing can show, each the mean of neighbors."""
    size = -(-len(points) // _MOST_POINTS)
    parts = [points[start : start + size] for start in range(0, len(points), size)]
    return [(part[-1][0], sum(loss for _, loss in part) / len(part)) for part in parts]
