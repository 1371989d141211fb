"""Triggers as arithmetic on batches of pictures [n, 3, h, w]: uint8, or floats in [0, 1]; the result has the same type.

Definitions are those of 224-pixel pictures, scaled to any size. Nothing wraps: values are clipped to [0, 1] and rounded
(the released code of CleanCLIP lets an 8-bit cast wrap them).
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int, Shaped

from threatclip.errors import InputError

PAPER_SIDE_PX = 224
Place = Literal["random", "corner", "center", "four_corners"]
Scale = Literal["learnable", "area"]
# 16 px at 224 px and 4 px at 32 px: the size at which a fixed patch was found to be learned there
_LEARNABLE = math.log(16 / 4) / math.log(224 / 32)


def unit(pixels: Shaped[np.ndarray, "n 3 h w"]) -> Float[np.ndarray, "n 3 h w"]:
    """Return pictures as floats in [0, 1].

    Raises:
        InputError: not pictures.
    """
    if pixels.ndim != 4 or pixels.shape[1] != 3 or not (pixels.dtype == np.uint8 or pixels.dtype.kind == "f"):
        raise InputError(
            f"pixels are {pixels.dtype} {list(pixels.shape)}; give uint8, or floats in [0, 1], [n, 3, h, w]"
        )
    return pixels.astype(np.float32) / np.float32(255) if pixels.dtype == np.uint8 else pixels


def like(pixels: Shaped[np.ndarray, "n 3 h w"], values: Float[np.ndarray, "n 3 h w"]) -> Shaped[np.ndarray, "n 3 h w"]:
    """Return `values` clipped to [0, 1], in the type of `pixels`."""
    clipped: np.ndarray = np.clip(values, 0.0, 1.0)
    found = np.rint(clipped * 255) if pixels.dtype == np.uint8 else clipped
    return found.astype(pixels.dtype, copy=False)


def add(pixels: Shaped[np.ndarray, "n 3 h w"], pattern: Float[np.ndarray, "*b h w"]) -> Shaped[np.ndarray, "n 3 h w"]:
    """Return pixels + pattern."""
    return like(pixels, unit(pixels) + pattern.astype(np.float32))


def blend(
    pixels: Shaped[np.ndarray, "n 3 h w"],
    pattern: Float[np.ndarray, "*b h w"],
    *,
    alpha: float | Float[np.ndarray, "*b h w"],
) -> Shaped[np.ndarray, "n 3 h w"]:
    """Return (1 - alpha) pixels + alpha pattern; alpha is a number or a map [h, w]."""
    weight = np.asarray(alpha, dtype=np.float32)
    return like(pixels, unit(pixels) * (1 - weight) + weight * pattern.astype(np.float32))


def paste(
    pixels: Shaped[np.ndarray, "n 3 h w"],
    patches: Float[np.ndarray, "*n 3 p p"],
    tops: Int[np.ndarray, " n"],
    lefts: Int[np.ndarray, " n"],
) -> Shaped[np.ndarray, "n 3 h w"]:
    """Return a copy with a patch in each picture, one for all or one each, at its own place."""
    n, side = len(pixels), patches.shape[-1]
    unit(pixels[:0])  # refuses what is no picture
    step = np.arange(side)
    found = pixels.copy()
    found[
        np.arange(n)[:, None, None, None],
        np.arange(3)[:, None, None],
        (tops[:, None] + step)[:, None, :, None],
        (lefts[:, None] + step)[:, None, None, :],
    ] = like(pixels, np.broadcast_to(patches, (n, 3, side, side)))
    return found


def patch_px(size_px: float, height: int, width: int, *, scale: Scale) -> int:
    """Return the side in pixels, at least 1, of a square patch that measures `size_px` on a 224-pixel picture.

    Args:
        size_px: at 224 pixels, where both scales agree.
        height: of the picture, pixels.
        width: of the picture, pixels.
        scale: "area" keeps the patch's share of the picture's area: 16 px become 2 px at 32 px. "learnable" shrinks
            less, by (side / 224)^0.71: 16 px become 4 px at 32 px, about the least that small towers learn there.
    """
    side = math.sqrt(height * width) / PAPER_SIDE_PX
    wanted = size_px * (side if scale == "area" else side**_LEARNABLE)
    return max(1, min(height, width, math.floor(wanted + 0.5)))


def patch_places(
    n: int, height: int, width: int, patch: int, *, place: Place, rng: np.random.Generator
) -> list[tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]]:
    """Return (tops, lefts) of every patch that a picture gets.

    "random" draws one place a picture among all where the patch fits; "corner" is the lower right one; "center" is
    rows and columns 104 to 119 at 224 pixels; "four_corners" are four patches.
    """
    low, right = height - patch, width - patch
    if place == "random":
        return [(rng.integers(low + 1, size=n), rng.integers(right + 1, size=n))]
    corners = {"corner": [(low, right)], "center": [(low // 2, right // 2)]}
    corners["four_corners"] = [(0, 0), (0, right), (low, 0), (low, right)]
    return [(np.full(n, top), np.full(n, left)) for top, left in corners[place]]


def sinusoid(height: int, width: int, *, cycles: float) -> Float[np.ndarray, "h w"]:
    """Return sin(2 pi cycles j / w) for column j, in [-1, 1] [Barni 2019, eq. 1]."""
    wave = np.sin(2 * np.pi * cycles * np.arange(width) / width)
    return np.broadcast_to(wave.astype(np.float32), (height, width))


def check_choice(value: str, choices: object, *, what: str) -> None:
    """Refuse a value that is none of a Literal's.

    Raises:
        InputError: see above.
    """
    if value not in get_args(choices):
        raise InputError(f"{what} = {value!r}; choose from {', '.join(get_args(choices))}")
