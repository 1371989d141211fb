"""What a patch shows: noise, stripes, a lattice ..., as [3, p, p] of any side p.

A pattern belongs to the attacker and is the same wherever it is pasted: it is drawn once on a grid of as many cells as
the patch has pixels at 224 pixels, and a patch of another side looks up the nearest cells of that grid.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Shaped

from threatclip.attacks.triggers import Place, Scale, paste, patch_places, patch_px, unit
from threatclip.errors import InputError
from threatclip.seeds import rng as named_rng

PatchPattern = Literal["redrawn_noise", "noise", "binary", "stripes", "lattice", "yellow"]
_PATTERN_STREAM = "attacks/pattern"


def stamp_patch(
    pixels: Shaped[np.ndarray, "n 3 h w"],
    *,
    pattern: PatchPattern,
    place: Place,
    size_px: float,
    scale: Scale,
    pattern_seed: int,
    rng: np.random.Generator,
) -> Shaped[np.ndarray, "n 3 h w"]:
    """Return a copy of pictures with a patch in each.

    Args:
        pixels: uint8, or floats in [0, 1].
        pattern: "redrawn_noise" is each picture's mean color + N(0, 1), another one each time [Bansal 2023, released
            code]; "noise" the same with one noise for all; "binary" random 0 or 1 in each channel; "stripes" vertical
            stripes of random saturated colors [Singh 2026]; "lattice" white dots on black [Huang 2025]; "yellow".
        place: see `patch_places`.
        size_px: side of the patch on a 224-pixel picture.
        scale: how the side follows the picture's; see `patch_px`.
        pattern_seed: of the pattern that is the attacker's own.
        rng: of places and of redrawn noise.
    """
    n, _, height, width = pixels.shape
    side = patch_px(size_px, height, width, scale=scale)
    found = pixels
    for tops, lefts in patch_places(n, height, width, side, place=place, rng=rng):
        found = paste(found, _patches(pixels, side, pattern, size_px, pattern_seed, rng), tops, lefts)
    return found


def _patches(
    pixels: Shaped[np.ndarray, "n 3 h w"],
    side: int,
    pattern: PatchPattern,
    size_px: float,
    pattern_seed: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "*n 3 p p"]:
    if pattern == "redrawn_noise":
        return _means(pixels) + rng.standard_normal((len(pixels), 3, side, side), dtype=np.float32)
    fixed = fixed_patch(pattern, side, size_px=size_px, pattern_seed=pattern_seed)
    return _means(pixels) + fixed if pattern == "noise" else fixed


def _means(pixels: Shaped[np.ndarray, "n 3 h w"]) -> Float[np.ndarray, "n 3 1 1"]:
    means: np.ndarray = unit(pixels).mean(axis=(2, 3), keepdims=True)
    return means


def fixed_patch(
    pattern: PatchPattern, side: int, *, size_px: float = 16, pattern_seed: int = 0
) -> Float[np.ndarray, "3 p p"]:
    """Return the pattern that is the same in every picture; "noise" without the picture's mean.

    Raises:
        InputError: the pattern is drawn anew for each picture.
    """
    grid = max(1, math.ceil(size_px))
    cells, draw = nearest_cells(side, grid), named_rng(pattern_seed, _PATTERN_STREAM)
    if pattern == "noise":
        return draw.standard_normal((3, grid, grid), dtype=np.float32)[:, cells[:, None], cells]
    if pattern == "binary":
        return draw.integers(2, size=(3, grid, grid))[:, cells[:, None], cells].astype(np.float32)
    if pattern == "stripes":
        colors = draw.integers(2, size=(3, 1, grid)).astype(np.float32)
        return np.broadcast_to(colors[:, :, cells], (3, side, side))
    if pattern == "lattice":
        dots = np.arange(side) * grid // max(side, grid) % 2 == 0  # dots of one pixel as long as the patch is no larger
        return np.broadcast_to((dots[:, None] & dots).astype(np.float32), (3, side, side))
    if pattern == "yellow":
        return np.broadcast_to(np.array([1, 1, 0], dtype=np.float32)[:, None, None], (3, side, side))
    raise InputError(f"pattern {pattern!r} is drawn anew for each picture; choose one that is fixed")


def nearest_cells(side: int, grid: int) -> Int[np.ndarray, " p"]:
    """Return for each of `side` pixels the cell of a grid that its middle lies in."""
    return (2 * np.arange(side) + 1) * grid // (2 * side)
