"""Pictures of strangers for a page: decoded behind limits, made small, encoded anew; no byte of theirs gets through."""

from __future__ import annotations

from http import HTTPStatus

import numpy as np

from threatclip.errors import ImageFaultError
from threatclip.pairs.images import decode_image, encode_png
from threatclip.service.problems import Problem

SIDE = 560  # pixels of the longest side


def shown_picture(view: bytes, *, side: int = SIDE) -> bytes:
    """Return a picture as a PNG of at most `side` pixels a side.

    Raises:
        Problem: there is none, or it does not decode.
    """
    from PIL import Image

    if not view:
        raise Problem(HTTPStatus.NOT_FOUND, "this post has no picture")
    try:
        found = Image.fromarray(decode_image(view))
    except ImageFaultError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    found.thumbnail((side, side), Image.Resampling.BICUBIC)
    return encode_png(np.asarray(found))
