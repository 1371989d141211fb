"""Copies of a view with a part of it hidden: squares of a picture, words of a text, bytes of a payload."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8

_WORD = re.compile(rb"\S+\s*")


def without_squares(pixels: UInt8[np.ndarray, "n 3 s s"], *, across: int) -> Iterator[UInt8[np.ndarray, "n 3 s s"]]:
    """Yield copies with one square each painted in the picture's mean color.

    Args:
        pixels: square pictures.
        across: squares side by side; their neighbors overlap by half, so that something smaller than half a square is
            whole in one of them: (2 across - 1)^2 copies.
    """
    side = pixels.shape[2]
    mean = np.rint(pixels.mean(axis=(2, 3), keepdims=True)).astype(np.uint8)
    edges = np.rint(np.linspace(0, side, 2 * across + 1)).astype(int)
    for top, bottom in zip(edges[:-2], edges[2:], strict=True):
        for left, right in zip(edges[:-2], edges[2:], strict=True):
            copies = pixels.copy()
            copies[:, :, top:bottom, left:right] = mean
            yield copies


def without_words(view: bytes, *, parts: int) -> list[bytes]:
    """Return copies of a text without one run of words each, none for a text of one word; see `without_bytes`."""
    starts = [word.start() for word in _WORD.finditer(view)] + [len(view)]
    runs = _runs(len(starts) - 1, parts)
    return [(view[: starts[first]] + view[starts[last] :]).strip() for first, last in runs]


def without_bytes(view: bytes, *, parts: int) -> list[bytes]:
    """Return copies of a payload without one run of bytes each, none for a payload of one byte.

    Runs are 1 / `parts` of the view long and overlap by half; they are single bytes where the view is that short.
    """
    return [view[:first] + view[last:] for first, last in _runs(len(view), parts)]


def _runs(n: int, parts: int) -> list[tuple[int, int]]:
    """Return where runs of n items begin and end."""
    if n < 2:
        return []
    length = -(-n // parts)
    step = max(1, length // 2)
    return [(start, min(start + length, n)) for start in range(0, max(1, n - length + step), step)]
