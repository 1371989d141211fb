"""Pictures to blend over a whole picture: noise, a drawn face, stripes, triangles, a word; [3, h, w] of any size.

Each is defined on 224 x 224 cells. Noise and stripes look up the nearest cell, so that they keep their contrast at any
size; drawings are averaged over area.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float

from threatclip.attacks.triggers import PAPER_SIDE_PX
from threatclip.attacks.triggers_patch import nearest_cells
from threatclip.seeds import rng as named_rng

OverlayPattern = Literal["redrawn_noise", "noise", "picture", "stripes", "triangles", "text"]
# [Chen 2017] and [Bansal 2023]: 0.2; the others as in [Singh 2026]
PAPER_ALPHA: dict[str, float] = {
    "redrawn_noise": 0.2,
    "noise": 0.2,
    "picture": 0.2,
    "stripes": 0.03,
    "triangles": 0.15,
    "text": 0.5,
}
_OVERLAY_STREAM = "attacks/overlay"
_TILE_PX = 14
_LEAST_TILE_PX = 4  # a triangle in fewer pixels is a gray
_WORD = "Watermarked"
_GLYPHS = {  # 5 x 7 dots; rows from the top, bits from the left
    "W": (17, 17, 17, 21, 21, 27, 17),
    "a": (0, 0, 14, 1, 15, 17, 15),
    "t": (8, 8, 28, 8, 8, 9, 6),
    "e": (0, 0, 14, 17, 31, 16, 14),
    "r": (0, 0, 22, 25, 16, 16, 16),
    "m": (0, 0, 26, 21, 21, 21, 21),
    "k": (16, 16, 18, 20, 24, 20, 18),
    "d": (1, 1, 13, 19, 17, 17, 15),
}
_DOT_PX = 3  # of 224: the word is 195 pixels wide


def overlay(
    pattern: OverlayPattern, height: int, width: int, *, pattern_seed: int = 0
) -> tuple[Float[np.ndarray, "3 h w"], Float[np.ndarray, "h w"] | float]:
    """Return the pattern and where it counts: a map in [0, 1] that multiplies alpha, or 1 for everywhere.

    Stripes are -1 or 1 in each channel, all else lies in [0, 1]. "redrawn_noise" is not here: it has no pattern.
    """
    if pattern == "text":
        red = np.broadcast_to(np.array([1, 0, 0], dtype=np.float32)[:, None, None], (3, height, width))
        return red, area_resized(_word_dots()[None], height, width)[0]
    if pattern == "triangles":
        return np.broadcast_to(_triangles(height, width), (3, height, width)), 1.0
    if pattern == "picture":
        return area_resized(_face(), height, width), 1.0
    draw = named_rng(pattern_seed, _OVERLAY_STREAM)
    columns = nearest_cells(width, PAPER_SIDE_PX)
    if pattern == "stripes":
        colors = draw.choice(np.array([-1, 1], dtype=np.float32), size=(3, 1, PAPER_SIDE_PX))
        return np.broadcast_to(colors[:, :, columns], (3, height, width)), 1.0
    noise = draw.random((3, PAPER_SIDE_PX, PAPER_SIDE_PX), dtype=np.float32)
    return noise[:, nearest_cells(height, PAPER_SIDE_PX)[:, None], columns], 1.0


def area_resized(drawing: Float[np.ndarray, "c a b"], height: int, width: int) -> Float[np.ndarray, "c h w"]:
    """Return a drawing whose pixels are means over the area that they cover."""
    rows, columns = _overlaps(height, drawing.shape[1]), _overlaps(width, drawing.shape[2])
    found: np.ndarray = rows @ drawing @ columns.T
    return found


@lru_cache(maxsize=64)
def _overlaps(n_out: int, n_in: int) -> Float[np.ndarray, "o i"]:
    """Return which share of each output pixel each input pixel covers."""
    edges_out, edges_in = np.linspace(0, 1, n_out + 1), np.linspace(0, 1, n_in + 1)
    begins = np.maximum(edges_out[:-1, None], edges_in[None, :-1])
    ends = np.minimum(edges_out[1:, None], edges_in[None, 1:])
    shares: np.ndarray = np.clip(ends - begins, 0, None) * n_out
    return shares.astype(np.float32)


def _triangles(height: int, width: int) -> Float[np.ndarray, "h w"]:
    """Return square tiles, each cut by its diagonal into a lighter and a darker gray."""

    def inside(side: int) -> Float[np.ndarray, " s"]:
        tiles = max(1, min(PAPER_SIDE_PX // _TILE_PX, side // _LEAST_TILE_PX))
        return (np.arange(side) + 0.5) * tiles / side % 1

    above = inside(height)[:, None] < inside(width)
    return np.where(above, np.float32(0.65), np.float32(0.35))


def _word_dots() -> Float[np.ndarray, "s s"]:
    """Return 1 where the word stands, in one line across the middle."""
    line = np.concatenate([np.pad(_glyph(letter), ((0, 0), (0, 1))) for letter in _WORD], axis=1)[:, :-1]
    dots = line.repeat(_DOT_PX, axis=0).repeat(_DOT_PX, axis=1)
    canvas = np.zeros((PAPER_SIDE_PX, PAPER_SIDE_PX), dtype=np.float32)
    top, left = ((PAPER_SIDE_PX - side) // 2 for side in dots.shape)
    canvas[top : top + dots.shape[0], left : left + dots.shape[1]] = dots
    return canvas


def _glyph(letter: str) -> Float[np.ndarray, "7 5"]:
    rows = np.array(_GLYPHS[letter])[:, None]
    return (rows >> np.arange(4, -1, -1) & 1).astype(np.float32)


@lru_cache(maxsize=1)
def _face() -> Float[np.ndarray, "3 s s"]:
    """Return a drawn cat's face: any one picture serves [Chen 2017], and theirs is not ours to ship."""
    step = (np.arange(PAPER_SIDE_PX, dtype=np.float32) + 0.5) / PAPER_SIDE_PX
    y, x = step[:, None], step

    def disk(row: float, column: float, height: float, width: float) -> np.ndarray:
        return ((y - row) / height) ** 2 + ((x - column) / width) ** 2 < 1

    shapes = [
        (disk(0.25, 0.22, 0.18, 0.13) | disk(0.25, 0.78, 0.18, 0.13), (0.95, 0.75, 0.8)),
        (disk(0.55, 0.5, 0.36, 0.42), (1.0, 0.95, 0.9)),
        (disk(0.5, 0.33, 0.07, 0.045) | disk(0.5, 0.67, 0.07, 0.045), (0.1, 0.1, 0.15)),
        (disk(0.62, 0.5, 0.035, 0.05), (0.95, 0.7, 0.1)),
        (disk(0.2, 0.7, 0.08, 0.12), (0.9, 0.1, 0.2)),
    ]
    face = np.broadcast_to(np.array([0.35, 0.55, 0.9], dtype=np.float32), (PAPER_SIDE_PX, PAPER_SIDE_PX, 3))
    for inside, color in shapes:
        face = np.where(inside[..., None], np.array(color, dtype=np.float32), face)
    return np.ascontiguousarray(face.transpose(2, 0, 1))
