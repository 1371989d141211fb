"""What the scenes are made of: ground, water, houses, trees, flames, smoke, rain."""

from __future__ import annotations

import numpy as np

from threatclip.pairs.drawing.canvas import Color, box, grid, inside, noise, paint, waves
from threatclip.pairs.drawing.shapes import varied

_WALLS: tuple[Color, ...] = ((0.80, 0.74, 0.62), (0.66, 0.42, 0.34), (0.62, 0.65, 0.70), (0.86, 0.85, 0.80))
_FLAME: Color = (0.98, 0.46, 0.08)
_CORE: Color = (1.0, 0.87, 0.35)
_SMOKE: Color = (0.30, 0.28, 0.28)


def ground(canvas: np.ndarray, rng: np.random.Generator, top: float, color: Color) -> None:
    """Paint the ground, from `top` down."""
    side = canvas.shape[0]
    _, y = grid(side)
    shade = 0.8 + 0.4 * noise(rng, side, cells=9)
    paint(canvas, inside(top - y), np.asarray(varied(rng, color), np.float32) * shade[..., None])


def water(canvas: np.ndarray, rng: np.random.Generator, surface: float, color: Color, *, swell: float = 0.01) -> None:
    """Paint rippling water from `surface` down; `swell` is the height of its waves."""
    side = canvas.shape[0]
    x, y = grid(side)
    edge = surface + swell * np.sin((x * rng.uniform(1.5, 3) + rng.random()) * 2 * np.pi)
    shade = 1 + 0.16 * waves(rng, side, lines=rng.uniform(9, 14))
    paint(canvas, inside(edge - y), np.asarray(varied(rng, color), np.float32) * shade[..., None])


def houses(canvas: np.ndarray, rng: np.random.Generator, foot: float, *, low: bool, night: bool) -> None:
    """Paint a row of two to four houses that stand at `foot`."""
    side = canvas.shape[0]
    x, y = grid(side)
    for place in range(int(rng.integers(2, 5))):
        left = place * 0.3 + rng.uniform(-0.1, 0.08)
        width, height = rng.uniform(0.16, 0.26), rng.uniform(0.1, 0.16) if low else rng.uniform(0.16, 0.3)
        top, middle = foot - height, left + width / 2
        paint(canvas, box(side, left, top, left + width, foot + 0.1), varied(rng, _WALLS[int(rng.random() * 4)]))
        roof = np.maximum(np.abs(x - middle) * (0.4 if low else 0.7) - (y - top + 0.1) * 0.6, y - top)
        paint(canvas, inside(roof), varied(rng, (0.56, 0.34, 0.24) if not low else (0.60, 0.56, 0.52)))
        light = (0.95, 0.85, 0.45) if night else (0.20, 0.24, 0.30)
        for at in (0.2, 0.6):
            window = left + at * width
            paint(canvas, box(side, window, top + 0.05, window + 0.045, top + 0.11), light)


def tower(
    canvas: np.ndarray, rng: np.random.Generator, left: float, right: float, top: float, foot: float, *, night: bool
) -> None:
    """Paint one tall building with many windows."""
    side = canvas.shape[0]
    x, y = grid(side)
    body = box(side, left, top, right, foot)
    paint(canvas, body, varied(rng, _WALLS[int(rng.random() * 4)]))
    panes = (np.abs((x - left) * 14 % 1 - 0.5) < 0.25) & (np.abs((y - top) * 12 % 1 - 0.5) < 0.25)
    paint(canvas, body * panes, (0.9, 0.8, 0.4) if night else (0.22, 0.27, 0.33))


def skyline(canvas: np.ndarray, rng: np.random.Generator, foot: float, *, lit: bool) -> None:
    """Paint the dark towers of a city along the horizon."""
    for left in np.arange(-0.05, 1, 0.13):
        top = foot - rng.uniform(0.06, 0.3)
        shade = rng.uniform(0.10, 0.24)
        edges = (left, top, left + rng.uniform(0.08, 0.13), foot + 0.05)
        paint(canvas, box(canvas.shape[0], *edges), (shade, shade, shade * 1.2))
        if lit:
            paint(canvas, box(canvas.shape[0], left + 0.03, top + 0.03, left + 0.05, top + 0.06), (0.95, 0.85, 0.5))


def trees(canvas: np.ndarray, rng: np.random.Generator, foot: float, *, count: int) -> None:
    """Paint `count` firs from left to right."""
    side = canvas.shape[0]
    x, y = grid(side)
    for at in np.linspace(0.02, 0.98, count):
        height, middle = rng.uniform(0.22, 0.42), at + rng.uniform(-0.05, 0.05)
        crown = np.maximum(np.abs(x - middle) - (y - foot + height) * 0.3, y - foot - 0.04)
        paint(canvas, box(side, middle - 0.012, foot, middle + 0.012, foot + 0.1), (0.24, 0.16, 0.09))
        paint(canvas, inside(crown), varied(rng, (0.10, 0.26, 0.11)))


def palms(canvas: np.ndarray, rng: np.random.Generator, foot: float, *, lean: float) -> None:
    """Paint one to three palms; `lean` is how far the wind bends them."""
    side = canvas.shape[0]
    x, y = grid(side)
    for _ in range(int(rng.integers(1, 4))):
        at, height = rng.uniform(0.1, 0.9), rng.uniform(0.28, 0.42)
        up = np.clip((foot - y) / height, 0, 1)
        stem = np.maximum(np.abs(x - at - lean * up**2) - 0.012, np.abs(y - foot + height / 2) - height / 2)
        paint(canvas, inside(stem), (0.30, 0.22, 0.14))
        across, down = x - at - lean, y - foot + height
        turn = np.arctan2(down, across - lean * 0.2)
        leaves = np.hypot(across, down) - 0.11 * (0.35 + 0.65 * np.abs(np.cos(2.5 * turn)))
        paint(canvas, inside(leaves), varied(rng, (0.14, 0.34, 0.14)))


def flames(canvas: np.ndarray, rng: np.random.Generator, foot: float, *, count: int, height: float) -> None:
    """Paint `count` flames along the line `foot`."""
    for at in rng.uniform(0, 1, count):
        flame(canvas, float(at), foot + rng.uniform(-0.03, 0.08), rng.uniform(0.03, 0.07), height * rng.uniform(0.6, 1))


def flame(canvas: np.ndarray, x: float, foot: float, radius: float, height: float) -> None:
    """Paint one flame with a bright core."""
    columns, rows = grid(canvas.shape[0])
    up = (foot - rows) / height
    sway = 0.25 * radius * np.sin(up * 7 + x * 40)
    for scale, color in ((1.0, _FLAME), (0.5, _CORE)):
        tongue = np.abs(columns - x - sway) - scale * radius * (1 - up / scale) * np.sqrt(np.clip(up * 4 + 0.6, 0, 1.6))
        paint(canvas, inside(np.maximum(np.maximum(tongue, rows - foot), foot - height * scale - rows)), color)


def smoke(canvas: np.ndarray, rng: np.random.Generator, foot: float, severity: float) -> None:
    """Paint a column of smoke above `foot`, the wider the more severe."""
    side = canvas.shape[0]
    x, y = grid(side)
    column = 1.2 - np.abs(x - rng.uniform(0.2, 0.8) - (foot - y) * rng.uniform(-0.6, 0.6)) / (0.16 + 0.5 * severity)
    billows = noise(rng, side, cells=7)
    paint(canvas, np.clip(column * billows * 2.2 - 0.3, 0, 0.9) * (y < foot), varied(rng, _SMOKE))


def haze(canvas: np.ndarray, severity: float) -> None:
    """Tint everything with the light of a fire."""
    paint(canvas, np.full(canvas.shape[:2], 0.45 * severity, np.float32), (0.85, 0.42, 0.15))


def rain(canvas: np.ndarray, rng: np.random.Generator, severity: float) -> None:
    """Paint slanting streaks of rain."""
    x, y = grid(canvas.shape[0])
    streaks = np.sin((x * 23 + y * 7 + noise(rng, canvas.shape[0], cells=8) * 2) * 2 * np.pi)
    paint(canvas, np.clip(streaks * 3 - 2.1, 0, 1) * (0.25 + 0.35 * severity), (0.75, 0.80, 0.86))


def boat(canvas: np.ndarray, rng: np.random.Generator, surface: float) -> None:
    """Paint a rescue boat with two people."""
    x, y = grid(canvas.shape[0])
    middle, deck = rng.uniform(0.25, 0.75), min(surface + 0.12, 0.85)
    hull = np.maximum(np.abs(x - middle) + (y - deck) * 0.6 - 0.13, np.maximum(deck - y, y - deck - 0.06))
    paint(canvas, inside(hull), varied(rng, (0.86, 0.42, 0.10)))
    for at in (-0.06, 0.03):
        left = middle + at
        paint(canvas, box(canvas.shape[0], left, deck - 0.09, left + 0.035, deck), (0.12, 0.12, 0.16))


def slab(side: int, x: float, y: float, radius: float, turn: float) -> np.ndarray:
    """Return the coverage of one turned block of rubble."""
    columns, rows = grid(side)
    across, down = columns - x, rows - y
    u, v = across * np.cos(turn) + down * np.sin(turn), down * np.cos(turn) - across * np.sin(turn)
    return inside(np.maximum(np.abs(u) - radius, np.abs(v) - radius * 0.45))
