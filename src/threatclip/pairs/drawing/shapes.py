"""Ten shapes as fields of distance, eight colors, five textures: what the sample pictures are composed of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from threatclip.pairs.drawing.canvas import Color, grid, inside, noise, paint, plain

Texture = Literal["plain", "striped", "checkered", "dotted", "mottled"]
Field = Callable[[np.ndarray, np.ndarray], np.ndarray]

TEXTURES: tuple[Texture, ...] = ("plain", "striped", "checkered", "dotted", "mottled")
COLORS: Mapping[str, Color] = {
    "red": (0.86, 0.10, 0.12),
    "orange": (0.97, 0.52, 0.06),
    "yellow": (0.97, 0.88, 0.16),
    "green": (0.12, 0.62, 0.22),
    "blue": (0.13, 0.30, 0.86),
    "purple": (0.52, 0.16, 0.66),
    "black": (0.05, 0.05, 0.06),
    "white": (0.96, 0.96, 0.96),
}
BACKGROUNDS: Mapping[str, Color] = {**COLORS, "gray": (0.55, 0.55, 0.56), "brown": (0.45, 0.29, 0.14)}


def _polygon(corners: int) -> Field:
    """Return the field of a regular polygon with one corner on top."""
    turns = [np.pi / 2 + np.pi / corners + 2 * np.pi * corner / corners for corner in range(corners)]
    sides = [(float(np.cos(turn)), float(-np.sin(turn))) for turn in turns]
    reach = float(np.cos(np.pi / corners))

    def field(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        distances = [a * u + b * v for a, b in sides]
        return np.asarray(np.max(distances, axis=0) - reach)

    return field


def _star(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    turn = np.arctan2(u, -v) * (5 / (2 * np.pi))
    to_tip = 2 * np.abs(turn - np.round(turn))  # 0 at a tip, 1 between two
    return np.asarray(0.7 * (np.hypot(u, v) - (1.1 - 0.72 * to_tip)))


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    a, b = np.abs(u), np.abs(v)
    return np.asarray(np.minimum(np.maximum(a - 0.3, b - 0.95), np.maximum(a - 0.95, b - 0.3)))


def _crescent(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(np.hypot(u, v) - 1, 0.85 - np.hypot(u - 0.5, v)))


SHAPES: Mapping[str, Field] = {
    "circle": lambda u, v: np.hypot(u, v) - 0.9,
    "square": lambda u, v: np.maximum(np.abs(u), np.abs(v)) - 0.8,
    "triangle": _polygon(3),
    "diamond": lambda u, v: (np.abs(u) * 1.5 + np.abs(v) - 1.1) * 0.6,
    "pentagon": _polygon(5),
    "star": _star,
    "cross": _cross,
    "ring": lambda u, v: np.abs(np.hypot(u, v) - 0.72) - 0.25,
    "bar": lambda u, v: np.maximum(np.abs(u) - 1, np.abs(v) - 0.28),
    "crescent": _crescent,
}


def shape_coverage(name: str, side: int, *, x: float, y: float, radius: float, turn: float) -> np.ndarray:
    """Return the coverage of a shape around (x, y), turned by `turn` radians."""
    columns, rows = grid(side)
    cos, sin = np.float32(np.cos(turn) / radius), np.float32(np.sin(turn) / radius)
    across, down = columns - np.float32(x), rows - np.float32(y)
    return inside(SHAPES[name](across * cos + down * sin, down * cos - across * sin) * np.float32(radius))


def textured(rng: np.random.Generator, side: int, texture: Texture, color: Color) -> np.ndarray:
    """Return a canvas of one color with a texture of its own shades, from 4 to 8 periods wide."""
    canvas = plain(side, color)
    x, y = grid(side)
    periods, phase = rng.uniform(4, 8), rng.uniform(0, 1)
    if texture == "striped":
        turn = rng.uniform(0, np.pi)
        pattern = np.sin((x * np.cos(turn) + y * np.sin(turn)) * (2 * np.pi * periods) + phase * 6)
    elif texture == "checkered":
        pattern = np.sin((x * periods + phase) * np.pi) * np.sin((y * periods + phase) * np.pi)
    elif texture == "dotted":
        across, down = (x * periods + phase) % 1 - 0.5, (y * periods + phase) % 1 - 0.5
        pattern = 0.32 - np.hypot(across, down)
    elif texture == "mottled":
        pattern = noise(rng, side, cells=int(2 * periods)) - 0.5
    else:
        return canvas
    shade = 0.62 if sum(color) > 0.9 else 2.0  # darker patches, lighter ones on a dark ground
    other = np.clip(np.asarray(color) * shade + (0.16 if shade > 1 else 0), 0, 1)
    paint(canvas, np.clip(pattern * side / periods + 0.5, 0, 1), other)
    return canvas


def varied(rng: np.random.Generator, color: Color) -> Color:
    """Return a color near `color` that still goes by its name."""
    shift = rng.uniform(-0.06, 0.06, 3)
    red, green, blue = np.clip(np.asarray(color) + shift, 0, 1).tolist()
    return red, green, blue
