"""Pictures as image towers read them: square uint8 rows in, normalized channels-last tensors inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from threatclip.encoders.padding import Tokens
from threatclip.errors import InputError
from threatclip.pairs.images import Fit, decode_batch

PATCH_BYTES = 384  # counted as one token: a budget of 2,048 is 16 pictures of 128 pixels, which a cache still holds
LEAST_SIDE, MOST_SIDE = 8, 1_024  # pixels


def check_fit(fit: str, *, kind: str) -> None:
    """Refuse a way of making a square that there is not.

    Raises:
        InputError: see above.
    """
    if fit not in get_args(Fit):
        raise InputError(f"fit = {fit!r} of a {kind} tower; choose {' or '.join(get_args(Fit))}")


def check_side(side: int, *, kind: str) -> None:
    """Refuse a side that no picture is read at.

    Raises:
        InputError: see above.
    """
    if not LEAST_SIDE <= side <= MOST_SIDE:
        raise InputError(f"side = {side} pixels of a {kind} tower; choose {LEAST_SIDE} to {MOST_SIDE}")


def decode_rows(views: Sequence[bytes], *, side: int, fit: Fit) -> list[Tokens]:
    """Return each picture as uint8 [3, side, side]; an empty view is mid-gray.

    Raises:
        ImageFaultError: a view is no picture that can be read safely.
    """
    return list(decode_batch(views, side=side, fit=fit))


def stack_rows(rows: Sequence[Tokens]) -> dict[str, Tensor]:
    """Return rows of uint8 [3, s, s] as one batch: `pixels` [n, 3, s, s]."""
    return {"pixels": torch.from_numpy(np.stack(rows) if len(rows) else np.zeros((0, 3, 1, 1), dtype=np.uint8))}


def normalized(
    pixels: Shaped[Tensor, "n 3 h w"],
    *,
    side: int,
    mean: Sequence[float],
    std: Sequence[float],
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "n 3 s s"]:
    """Return `(pixels - mean) / std` of pictures scaled to [0, 1] and to `side`, in channels-last memory.

    Args:
        pixels: uint8 in 0 to 255, or floats in [0, 1], through which gradients flow (a trigger is learned so).
        side: pixels; pictures of another height or width are resized (bilinear, antialiased: that has a gradient).
        mean: of each channel, of pixels in [0, 1].
        std: likewise.
        dtype: of the result; all is computed in fp32.

    Raises:
        InputError: not pictures: another shape, or integers other than uint8.
    """
    if pixels.ndim != 4 or pixels.shape[1] != 3 or not (pixels.dtype == torch.uint8 or pixels.is_floating_point()):
        raise InputError(
            f"pixels of shape {tuple(pixels.shape)} and type {pixels.dtype}; "
            "give [n, 3, h, w] of uint8, or of floats in [0, 1]"
        )
    scale = 1 / 255 if pixels.dtype == torch.uint8 else 1.0
    values = pixels.to(torch.float32, memory_format=torch.channels_last)
    if values.shape[2:] != (side, side):
        values = functional.interpolate(values, size=(side, side), mode="bilinear", antialias=True)
    spread = values.new_tensor([scale / s for s in std])[:, None, None]
    shift = values.new_tensor([m / s for m, s in zip(mean, std, strict=True)])[:, None, None]
    return (values * spread - shift).to(dtype)
