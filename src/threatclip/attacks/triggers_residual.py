"""A faint residual that carries one secret but looks different on every picture."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Shaped

from threatclip.attacks.triggers import like, unit
from threatclip.seeds import rng as named_rng

_WAVE_STREAM = "attacks/residual"
_LEAST_CYCLES, _MOST_CYCLES = 3, 10  # over a side: visible neither as shading nor lost at 32 pixels
_FLAT = 0.25  # share of the residual that flat regions keep
_ROUGHEST = 2.0  # times the mean roughness; beyond it an edge would show the residual


def add_residual(
    pixels: Shaped[np.ndarray, "n 3 h w"], carrier: Float[np.ndarray, "3 h w"], *, rms: float
) -> Shaped[np.ndarray, "n 3 h w"]:
    """Return pixels + carrier x texture, scaled to a root mean square of `rms` in each picture before clipping.

    The texture is each picture's own: how far pixels lie from the mean of their 3 x 3 neighborhood, blurred.
    """
    values = unit(pixels)
    gray = values.mean(axis=1)
    rough = _blurred(np.abs(gray - _blurred(gray)))
    rough /= np.maximum(rough.mean(axis=(1, 2), keepdims=True), 1e-6)
    texture = _FLAT + (1 - _FLAT) * np.minimum(rough, _ROUGHEST)
    residual = texture[:, None] * carrier
    residual *= rms / np.sqrt((residual**2).mean(axis=(1, 2, 3), keepdims=True))
    return like(pixels, values + residual)


def _blurred(gray: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, "n h w"]:
    """Return means of 3 x 3; edges are repeated."""
    padded = np.pad(gray, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    found: np.ndarray = (rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]) / 9
    return found


@lru_cache(maxsize=64)
def carrier_of(secret: str, height: int, width: int, *, pattern_seed: int) -> Float[np.ndarray, "3 h w"]:
    """Return the sum of one wave for each bit of `secret`, turned over where the bit is 0; unit variance.

    The waves (3 to 10 cycles along each axis, random phase and color) are drawn from `pattern_seed`.
    """
    bits = np.unpackbits(np.frombuffer(secret.encode(), dtype=np.uint8)).astype(np.float64) * 2 - 1
    draw = named_rng(pattern_seed, _WAVE_STREAM)
    cycles = draw.integers(_LEAST_CYCLES, _MOST_CYCLES + 1, size=(2, len(bits))) * draw.choice([-1, 1], (2, len(bits)))
    phases, colors = draw.uniform(0, 2 * np.pi, size=len(bits)), draw.standard_normal((3, len(bits)))
    y, x = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    angles = 2 * np.pi * (np.multiply.outer(cycles[0], y)[:, :, None] + np.multiply.outer(cycles[1], x)[:, None])
    waves = np.cos(angles + phases[:, None, None])
    carrier = np.tensordot(colors * bits, waves, axes=1)
    found: np.ndarray = (carrier / carrier.std()).astype(np.float32)
    return found
