"""Pictures made for tests, in every format that is read."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

FORMATS: list[tuple[str, dict[str, Any]]] = [
    ("JPEG", {"quality": 95, "subsampling": 0}),
    ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}),
    ("PNG", {}),
    ("GIF", {}),
    ("WEBP", {"quality": 95}),
    ("WEBP", {"lossless": True}),
    ("BMP", {}),
]


def smooth_picture(*, height: int = 30, width: int = 40, seed: int = 0) -> np.ndarray:
    """Return a picture that survives lossy formats, uint8 `[height, width, 3]`; no side or turn looks like another."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def encoded(picture: np.ndarray | Image.Image, name: str = "PNG", **options: Any) -> bytes:
    """Return `picture` as a file of format `name`."""
    stream = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(stream, format=name, **options)
    return stream.getvalue()
