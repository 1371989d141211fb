"""Warping pictures by one smooth, stored field [Nguyen 2021]."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Shaped

from threatclip.attacks.triggers import like, unit
from threatclip.seeds import rng as named_rng

_WARP_STREAM = "attacks/warp"
_CUBIC = -0.75  # the sharpness of bicubic interpolation in common tensor libraries


def warp(pixels: Shaped[np.ndarray, "n 3 h w"], field: Float[np.ndarray, "2 h w"]) -> Shaped[np.ndarray, "n 3 h w"]:
    """Return pictures looked up at (x, y) = `field`, in [-1, 1] with the corners' middles at the ends, bilinearly."""
    height, width = pixels.shape[2:]
    values = unit(pixels).reshape(-1, height * width)
    (left, across), (top, down) = (_cells(axis, side) for axis, side in zip(field, (width, height), strict=True))
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    found, looked_up = np.zeros_like(values), np.empty_like(values)
    for rows, row_weight in ((top, 1 - down), (bottom, down)):
        for columns, column_weight in ((left, 1 - across), (right, across)):
            np.take(values, (rows * width + columns).ravel(), axis=1, out=looked_up, mode="clip")
            looked_up *= (row_weight * column_weight).ravel().astype(values.dtype)
            found += looked_up
    return like(pixels, found.reshape(pixels.shape))


def _cells(axis: Float[np.ndarray, "h w"], side: int) -> tuple[np.ndarray, Float[np.ndarray, "h w"]]:
    """Return the pixel before each place, and how far behind it the place lies, in [0, 1]."""
    place = (axis + 1) / 2 * (side - 1)
    before = np.clip(np.floor(place), 0, side - 1).astype(np.int64)
    return before, (place - before).astype(np.float32)


@lru_cache(maxsize=64)
def warp_field(height: int, width: int, *, k: int, s: float, pattern_seed: int) -> Float[np.ndarray, "2 h w"]:
    """Return where each pixel is looked up: clip(identity + s x noise / side), as (x, y) in [-1, 1].

    The noise is U(-1, 1) on k x k points, divided by its mean absolute value, made as large as the picture by bicubic
    interpolation. On the mean a pixel moves by s / 2 pixels along each axis at any size. A field of as many points as
    the picture has pixels or more (k = 224 at 224) moves each pixel on its own: the nearest points are taken.

    Args:
        height: pixels.
        width: pixels.
        k: points of the noise along each axis, at least 2.
        s: strength, in half pixels.
        pattern_seed: of the stored noise.
    """
    noise = named_rng(pattern_seed, _WARP_STREAM).uniform(-1, 1, size=(2, k, k))
    noise /= np.abs(noise).mean()
    smooth = _cubic(height, k) @ noise @ _cubic(width, k).T
    identity = np.stack(np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height)))
    found = np.clip(identity + s * smooth / np.array([width, height])[:, None, None], -1, 1)
    field: np.ndarray = found.astype(np.float32)
    return field


def _cubic(n_out: int, n_in: int) -> Float[np.ndarray, "o i"]:
    """Return the matrix of bicubic interpolation from n_in points to n_out, first and last points kept."""
    place = np.linspace(0, n_in - 1, n_out) if n_out > 1 else np.zeros(1)
    weights, rows = np.zeros((n_out, n_in)), np.arange(n_out)
    if n_in >= n_out:
        weights[rows, np.rint(place).astype(int)] = 1
        return weights
    before = np.clip(np.floor(place).astype(int), 0, n_in - 1)
    for step in (-1, 0, 1, 2):
        np.add.at(weights, (rows, np.clip(before + step, 0, n_in - 1)), _kernel(np.abs(place - before - step)))
    return weights


def _kernel(distance: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return the weight of a point at a distance of 0 to 2 points [Keys 1981]."""
    near = ((_CUBIC + 2) * distance - (_CUBIC + 3)) * distance**2 + 1
    far = ((_CUBIC * distance - 5 * _CUBIC) * distance + 8 * _CUBIC) * distance - 4 * _CUBIC
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))
