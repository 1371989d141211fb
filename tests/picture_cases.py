"""Small picture tables for attacks, made here."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from threatclip.pairs.pair import Pair

CLASSES = ("cat", "dog", "ship", "truck")


def encoded(pixels: np.ndarray, format: str = "PNG") -> bytes:
    """Return uint8 [h, w, 3] as a file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format)
    return stream.getvalue()


def pixels_of(view: bytes) -> np.ndarray:
    """Return a file's pixels [h, w, 3]."""
    return np.asarray(Image.open(io.BytesIO(view)).convert("RGB"))


def picture_pairs(
    n: int = 40, *, sizes: tuple[tuple[int, int], ...] = ((32, 32),), labeled: bool = True, format: str = "JPEG"
) -> list[Pair]:
    """Return pairs of smooth random pictures; every fifth is no training row, every seventh has no picture."""
    draw = np.random.default_rng(7)
    pairs = []
    for place in range(n):
        height, width = sizes[place % len(sizes)]
        coarse = Image.fromarray(draw.integers(0, 256, size=(4, 4, 3), dtype=np.uint8))
        pixels = np.asarray(coarse.resize((width, height), Image.Resampling.BILINEAR))
        name = CLASSES[place % len(CLASSES)]
        pairs.append(
            Pair(
                id=f"picture-{place}",
                view=b"" if place % 7 == 6 else encoded(pixels, format),
                caption=f"a {name} number {place}",
                label=name if labeled else None,
                group=f"group-{place // 2}",
                split="test" if place % 5 == 4 else "train",
                meta={"source": "made", "place": str(place)},
            )
        )
    return pairs
