"""Compositions of one or two shapes on a texture, with the exact words for what was drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from threatclip.pairs.drawing.canvas import paint
from threatclip.pairs.drawing.shapes import BACKGROUNDS, COLORS, SHAPES, TEXTURES, shape_coverage, textured, varied

_T = TypeVar("_T")
_RELATIONS = {"left of": (-1, 0), "right of": (1, 0), "above": (0, -1), "below": (0, 1)}
_SIDES = {"top": "at the top", "bottom": "at the bottom", "left": "on the left", "right": "on the right"}
_SECOND_SHARE = 0.5
_TURN = 0.2  # radians: beyond it a square passes for a diamond


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """One drawn picture.

    Attributes:
        canvas: float32 `[side, side, 3]`.
        words: what may be said of it, all true: "size", "second" (the other shape, or the place of a lone one; may be
            empty) and "ground".
    """

    canvas: np.ndarray
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    color: str
    shape: str
    x: float
    y: float
    radius: float


def compose(rng: np.random.Generator, side: int, *, color: str, shape: str) -> Composition:
    """Draw a shape of a color: its size, place, ground and company are the generator's choice."""
    ground = pick(rng, [name for name in BACKGROUNDS if name != color])
    texture = pick(rng, TEXTURES)
    small = rng.random() < 0.5
    radius = rng.uniform(0.13, 0.17) if small else rng.uniform(0.24, 0.30)
    shapes, relation = _placed(rng, color, shape, radius, ground)
    canvas = textured(rng, side, texture, varied(rng, BACKGROUNDS[ground]))
    for each in shapes:
        turn = rng.uniform(-_TURN, _TURN)
        coverage = shape_coverage(each.shape, side, x=each.x, y=each.y, radius=each.radius, turn=turn)
        paint(canvas, coverage, varied(rng, COLORS[each.color]))
    second = f"{relation} a tiny {shapes[1].color} {shapes[1].shape}" if relation else _place_of(shapes[0])
    words = {"size": "small" if small else "large", "second": second, "ground": f"{texture} {ground}"}
    return Composition(canvas=canvas, words=words)


def pick(rng: np.random.Generator, choices: Sequence[_T]) -> _T:
    """Return one of `choices`, evenly."""
    return choices[int(rng.random() * len(choices))]


def _placed(
    rng: np.random.Generator, color: str, shape: str, radius: float, ground: str
) -> tuple[list[_Shape], str | None]:
    """Return the shape, and half of the time a tiny second one in some relation to it."""
    x, y = rng.uniform(radius, 1 - radius, 2).tolist()
    if rng.random() >= _SECOND_SHARE:
        return [_Shape(color=color, shape=shape, x=x, y=y, radius=radius)], None
    relation = pick(rng, list(_RELATIONS))
    across, down = _RELATIONS[relation]  # from the second shape to the main one
    tiny = rng.uniform(0.075, 0.095)
    apart = radius + tiny + rng.uniform(0.02, 0.05)
    x = _within(rng, radius, across * apart, tiny) if across else x
    y = _within(rng, radius, down * apart, tiny) if down else y
    drift = rng.uniform(-0.3, 0.3) * radius  # on the other axis
    second = _Shape(
        color=pick(rng, [name for name in COLORS if name != ground]),
        shape=pick(rng, list(SHAPES)),
        x=x - across * apart if across else min(max(x + drift, tiny), 1 - tiny),
        y=y - down * apart if down else min(max(y + drift, tiny), 1 - tiny),
        radius=tiny,
    )
    return [_Shape(color=color, shape=shape, x=x, y=y, radius=radius), second], relation


def _within(rng: np.random.Generator, radius: float, offset: float, tiny: float) -> float:
    """Return a place of the main shape on an axis, with the second one `offset` before it, both inside."""
    return float(rng.uniform(max(radius, offset + tiny), min(1 - radius, 1 + offset - tiny)))


def _place_of(shape: _Shape) -> str:
    """Return where a lone shape lies, or "" where no word is plainly true."""
    if max(abs(shape.x - 0.5), abs(shape.y - 0.5)) < 0.1:
        return "in the middle"
    down = "top" if shape.y < 0.4 else "bottom" if shape.y > 0.6 else ""
    across = "left" if shape.x < 0.4 else "right" if shape.x > 0.6 else ""
    return f"in the {down} {across} corner" if down and across else _SIDES.get(down or across, "")
