"""A patch as a parameter: hexadecimal in recipes and truth, pasted into the middle of pictures of any size."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped, UInt8

from threatclip.attacks.contracts import TriggerStep
from threatclip.attacks.triggers import paste
from threatclip.attacks.triggers_patch import nearest_cells
from threatclip.errors import InputError

if TYPE_CHECKING:
    from threatclip.attacks.patch_search import SearchStep

MOST_FOUND_AT_PX = 1_024


def patch_text(patch: UInt8[np.ndarray, "3 p p"]) -> str:
    """Return a patch as hexadecimal, channel by channel, row by row."""
    return patch.tobytes().hex()


def patch_pixels(text: str) -> UInt8[np.ndarray, "3 p p"]:
    """Return the patch of `patch_text`.

    Raises:
        InputError: no hexadecimal, or not of a square.
    """
    if not text:
        raise InputError("the patch has not been optimized; poison with a surrogate first, or give a patch")
    try:
        values = np.frombuffer(bytes.fromhex(text), dtype=np.uint8)
    except ValueError as error:
        raise InputError(f"patch is not hexadecimal ({error}); leave it out to have one optimized") from error
    side = math.isqrt(len(values) // 3)
    if not side or 3 * side**2 != len(values):
        raise InputError(f"patch has {len(values)} values, not 3 x p x p; leave it out to have one optimized")
    return values.reshape(3, side, side)


def stamp_centered(
    pixels: Shaped[np.ndarray, "n 3 h w"], patch: UInt8[np.ndarray, "3 p p"], *, found_at_px: int
) -> Shaped[np.ndarray, "n 3 h w"]:
    """Return a copy of pictures with the patch in the middle, as large a share of the area as where it was found.

    Args:
        pixels: uint8, or floats in [0, 1].
        patch: as found.
        found_at_px: side of the square pictures that it was found on.
    """
    n, _, height, width = pixels.shape
    share = patch.shape[-1] * math.sqrt(height * width) / found_at_px
    side = max(1, min(height, width, math.floor(share + 0.5)))
    cells = nearest_cells(side, patch.shape[-1])
    shown = patch[:, cells[:, None], cells].astype(np.float32) / 255
    return paste(pixels, shown, np.full(n, (height - side) // 2), np.full(n, (width - side) // 2))


def check_patch(text: str, *, found_at_px: int, size_px: float) -> None:
    """Refuse a patch that cannot be pasted.

    Raises:
        InputError: no square, larger than the picture it was found on, or a size out of range.
    """
    if not 1 <= size_px <= 224:
        raise InputError(f"size_px = {size_px}; choose 1 to 224, pixels of a 224-pixel picture")
    least = patch_pixels(text).shape[-1] if text else 0
    if not least <= found_at_px <= MOST_FOUND_AT_PX:
        raise InputError(f"found_at_px = {found_at_px} of a patch of {least} pixels; it comes with the patch")


def patch_steps(attack: Any, steps: Iterator[SearchStep], *, found_at_px: int) -> Iterator[TriggerStep]:
    """Turn the steps of a search into records; the last one has the attack with its patch."""
    for step in steps:
        found = None
        if step.patch is not None:
            found = dataclasses.replace(attack, patch=patch_text(step.patch), found_at_px=found_at_px)
        yield TriggerStep(done=step.done, total=step.total, facts=step.facts, attack=found)


def last_attack(steps: Iterator[TriggerStep]) -> Any:
    """Run an optimization to its end and return the attack with its trigger."""
    attack = None
    for step in steps:
        attack = step.attack
    return attack
