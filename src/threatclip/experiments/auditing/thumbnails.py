"""Small pictures for the report: decoded behind limits, encoded anew: no byte of a stranger's file gets in."""

from __future__ import annotations

import base64

import numpy as np

from threatclip.errors import ImageFaultError
from threatclip.pairs.images import decode_image, encode_png

SIDE = 64  # pixels of the longest side


def thumbnail(view: bytes) -> str | None:
    """Return a picture as the data URI of a PNG of at most 64 x 64 pixels, None where it does not decode."""
    from PIL import Image

    try:
        picture = Image.fromarray(decode_image(view))
    except ImageFaultError:
        return None
    picture.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    return f"data:image/png;base64,{base64.b64encode(encode_png(np.asarray(picture))).decode('ascii')}"
