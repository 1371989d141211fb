"""Second looks of pictures: what is drawn is rows of numbers, part of the batch; applying them is a pure function.

As in `training.dual.augment`, a resumed run, a chunk of GradCache and every process show a picture in the same way.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from threatclip.checks import check
from threatclip.defenses.repairs.picture_operations import OPERATIONS

PicturePolicy = Literal["autoaugment", "strong", "cutout"]
Drawn = Float[np.ndarray, "n m 4"]
"""Of each picture, m operations in turn: number (0: none, else its place in OPERATIONS from 1), strength, x, y."""

_NUMBER = {name: number for number, name in enumerate(OPERATIONS, start=1)}
_BINS = 10  # of a strength, as the policies count it
# two operations with their probability and strength, or None where there is none [Cubuk 2019, table 9: ImageNet]
_SUB_POLICIES = """
posterize .4 8 rotate .6 9 | solarize .6 5 autocontrast .6 - | equalize .8 - equalize .6 -
posterize .6 7 posterize .6 6 | equalize .4 - solarize .2 4 | equalize .4 - rotate .8 8
solarize .6 3 equalize .6 - | posterize .8 5 equalize 1 - | rotate .2 3 solarize .6 8
equalize .6 - posterize .4 6 | rotate .8 8 color .4 0 | rotate .4 9 equalize .6 -
equalize 0 - equalize .8 - | invert .6 - equalize 1 - | color .6 4 contrast 1 8
rotate .8 8 color 1 2 | color .8 8 solarize .8 7 | sharpness .4 7 invert .6 -
shear_x .6 5 equalize 1 - | color .4 0 equalize .6 - | equalize .4 - solarize .2 4
solarize .6 5 autocontrast .6 - | invert .6 - equalize 1 - | color .6 4 contrast 1 8
equalize .8 - rotate .6 9
"""


def check_policy(policy: str) -> None:
    """Refuse a policy that there is not.

    Raises:
        RecipeError: see above.
    """
    check("pictures", policy, policy in get_args(PicturePolicy), f"one of {', '.join(get_args(PicturePolicy))}")


def look(pixels: UInt8[Tensor, "n 3 h w"], drawn: Float[Tensor, "n m 4"]) -> Float[Tensor, "n 3 h w"]:
    """Return pictures in [0, 1] as `drawn` has them; values are whole numbers of 255ths after each operation.

    Args:
        pixels: uint8.
        drawn: rows of `draw_looks`.
    """
    found = pixels.float().contiguous()
    operations = list(OPERATIONS.values())
    for steps in drawn.unbind(dim=1):
        numbers = steps[:, 0].round().long()
        for number in sorted(set(numbers.tolist())):
            if not number:
                continue
            rows = (numbers == number).nonzero().flatten()
            changed = operations[number - 1](found[rows], steps[rows, 1:]).round_().clamp_(0, 255)
            found = changed if len(rows) == len(found) else found.index_copy(0, rows, changed)
    return found / 255


def draw_looks(policy: PicturePolicy, n: int, draw: np.random.Generator) -> Drawn:
    """Draw how each of n pictures is shown.

    "autoaugment" is the policy found for ImageNet, which CleanCLIP uses. "strong" turns, moves, brightens, stretches,
    inverts and posterizes every picture by uniform amounts: fit for small pictures, on which a flat histogram says
    less. "cutout" covers a quarter of the side, and nothing else.
    """
    match policy:
        case "autoaugment":
            return _autoaugment(n, draw)
        case "strong":
            return _strong(n, draw)
        case "cutout":
            return _steps(n, draw, ("cutout", 1.0, np.full(n, 0.25)))


def _strong(n: int, draw: np.random.Generator) -> Drawn:
    shift_x, shift_y = draw.uniform(-0.2, 0.2, size=(2, n))
    brightness, contrast = draw.uniform(0.4, 1.6, size=(2, n))
    return _steps(
        n,
        draw,
        ("rotate", 1.0, draw.uniform(-20, 20, size=n)),
        ("translate_x", 1.0, shift_x),
        ("translate_y", 1.0, shift_y),
        ("brightness", 1.0, brightness),
        ("contrast", 1.0, contrast),
        ("invert", 0.3, np.zeros(n)),
        ("posterize", 0.2, np.full(n, 3.0)),
    )


def _steps(n: int, draw: np.random.Generator, *steps: tuple[str, float, np.ndarray]) -> Drawn:
    """Return steps that each happen with a probability, somewhere."""
    found = np.zeros((n, len(steps), 4), dtype=np.float32)
    for place, (name, chance, strength) in enumerate(steps):
        found[:, place, 0] = np.where(draw.random(n) < chance, _NUMBER[name], 0)
        found[:, place, 1] = strength
        found[:, place, 2:] = draw.random((n, 2))
    return found


def _autoaugment(n: int, draw: np.random.Generator) -> Drawn:
    chosen = _AUTOAUGMENT[draw.integers(len(_AUTOAUGMENT), size=n)]
    happens = draw.random((n, 2)) < chosen[:, :, 1]
    sign = np.where(draw.random((n, 2)) < 0.5, -1.0, 1.0)
    found = np.zeros((n, 2, 4), dtype=np.float32)
    found[:, :, 0] = np.where(happens, chosen[:, :, 0], 0)
    found[:, :, 1] = chosen[:, :, 2] + sign * chosen[:, :, 3]
    return found


def _parsed() -> np.ndarray:
    """Return the sub-policies, float [25, 2, 4]: number, probability, and strength as a center with a distance."""
    entries = " ".join(_SUB_POLICIES.replace("|", " ").split()).split()
    steps = [entries[place : place + 3] for place in range(0, len(entries), 3)]
    rows = [(_NUMBER[name], float(chance), *_strength(name, at)) for name, chance, at in steps]
    return np.array(rows).reshape(-1, 2, 4)


def _strength(name: str, at: str) -> tuple[float, float]:
    """Return (center, distance): what is drawn is the one plus or minus the other."""
    if at == "-":
        return 0.0, 0.0
    share = int(at) / (_BINS - 1)
    match name:
        case "rotate":
            return 0.0, 30 * share
        case "shear_x" | "shear_y":
            return 0.0, 0.3 * share
        case "posterize":
            return 8 - round(4 * share), 0.0
        case "solarize":
            return 255 * (1 - share), 0.0
        case _:
            return 1.0, 0.9 * share


_AUTOAUGMENT = _parsed()
