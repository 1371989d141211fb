"""The canvas of the sample pictures: float32 `[side, side, 3]`, values 0 to 1, painted in place.

Places are fractions of the side: x to the right, y downwards. A coverage is float32 `[side, side]` from 0 to 1; edges
are soft over one pixel, so that a picture of any side looks alike.
"""

from __future__ import annotations

from functools import cache

import numpy as np

Color = tuple[float, float, float]


@cache
def grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of every pixel's middle, float32 `[side, side]`; do not write to them."""
    at = (np.arange(side, dtype=np.float32) + 0.5) / side
    x, y = np.meshgrid(at, at)
    x.flags.writeable = y.flags.writeable = False
    return x, y


def plain(side: int, color: Color) -> np.ndarray:
    """Return a canvas of one color."""
    canvas = np.empty((side, side, 3), np.float32)
    canvas[:] = color
    return canvas


def inside(field: np.ndarray) -> np.ndarray:
    """Return the coverage of a field of distances to an edge, in fractions of the side, negative inside."""
    coverage: np.ndarray = np.clip(0.5 - field * field.shape[0], 0, 1)
    return coverage


def paint(canvas: np.ndarray, coverage: np.ndarray, color: Color | np.ndarray) -> None:
    """Blend a color, or a whole picture, over the canvas where the coverage says."""
    canvas += coverage[..., None] * (np.asarray(color, np.float32) - canvas)


def box(side: int, left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Return the coverage of an upright rectangle."""
    x, y = grid(side)
    return inside(np.maximum(np.maximum(left - x, x - right), np.maximum(top - y, y - bottom)))


def noise(rng: np.random.Generator, side: int, *, cells: int) -> np.ndarray:
    """Return smooth noise, float32 `[side, side]` from 0 to 1: random values at `cells` points a side, interpolated."""
    return _stretched(rng.random((cells, cells), dtype=np.float32), side)


def waves(rng: np.random.Generator, side: int, *, lines: float) -> np.ndarray:
    """Return the ripples of water, float32 `[side, side]` from -1 to 1, `lines` of them from top to bottom."""
    x, y = grid(side)
    shift = noise(rng, side, cells=5)
    ripples: np.ndarray = np.sin((y * lines + shift * 1.5 + x * 0.5) * (2 * np.pi))
    return ripples


def to_bytes(canvas: np.ndarray) -> np.ndarray:
    """Return a canvas as uint8 `[side, side, 3]`."""
    pixels: np.ndarray = (np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8)
    return pixels


def _stretched(values: np.ndarray, side: int) -> np.ndarray:
    weights = _interpolation(values.shape[0], side)
    stretched: np.ndarray = weights @ values @ weights.T
    return stretched


@cache
def _interpolation(cells: int, side: int) -> np.ndarray:
    """Return the matrix, float32 `[side, cells]`, that interpolates linearly from `cells` points to `side` pixels."""
    at = np.linspace(0, cells - 1, side)
    low = np.minimum(at.astype(np.int64), cells - 2)
    weights = np.zeros((side, cells), np.float32)
    weights[np.arange(side), low] = 1 - (at - low)
    weights[np.arange(side), low + 1] = at - low
    return weights
