"""What a stronger look does to pictures: the operations of AutoAugment and CutOut on whole batches at once.

Each takes values in 0 to 255, float [n, 3, h, w], and one number a picture, and returns values that may be fractions or
lie outside; `looks.look` rounds and cuts them. The results are those of Pillow's operations of the same names, except
that what is turned, sheared or moved is resampled bilinearly, about the middle, with black behind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

Pictures = Float[Tensor, "n 3 h w"]
Numbers = Float[Tensor, "n 3"]
"""Of each picture: how strongly, and where (x, y in [0, 1]) for what happens in one place."""

_GRAY = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's mode L
_MIDDLE = 127.5


def _column(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def _invert(pictures: Pictures, _: Numbers) -> Pictures:
    return 255 - pictures


def _rotate(pictures: Pictures, numbers: Numbers) -> Pictures:
    """Turn by degrees."""
    angle = numbers[:, 0] * (math.pi / 180)
    cos, sin = torch.cos(angle), torch.sin(angle)
    return _placed(pictures, (cos, -sin, 0), (sin, cos, 0))


def _shear_x(pictures: Pictures, numbers: Numbers) -> Pictures:
    return _placed(pictures, (1, numbers[:, 0], 0), (0, 1, 0))


def _shear_y(pictures: Pictures, numbers: Numbers) -> Pictures:
    return _placed(pictures, (1, 0, 0), (numbers[:, 0], 1, 0))


def _translate_x(pictures: Pictures, numbers: Numbers) -> Pictures:
    """Move by a share of the width, which is 2 in the grid's units."""
    return _placed(pictures, (1, 0, 2 * numbers[:, 0]), (0, 1, 0))


def _translate_y(pictures: Pictures, numbers: Numbers) -> Pictures:
    return _placed(pictures, (1, 0, 0), (0, 1, 2 * numbers[:, 0]))


def _placed(pictures: Pictures, *rows: tuple[Tensor | float, Tensor | float, Tensor | float]) -> Pictures:
    one = pictures.new_ones(len(pictures))
    matrix = torch.stack([torch.stack([entry * one for entry in row], dim=1) for row in rows], dim=1)
    grid = functional.affine_grid(matrix, list(pictures.shape), align_corners=False)
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _brightness(pictures: Pictures, numbers: Numbers) -> Pictures:
    return pictures * _column(numbers[:, 0])


def _color(pictures: Pictures, numbers: Numbers) -> Pictures:
    return torch.lerp(_luma(pictures), pictures, _column(numbers[:, 0]))


def _contrast(pictures: Pictures, numbers: Numbers) -> Pictures:
    mean = _luma(pictures).mean(dim=(1, 2, 3)).add(0.5).floor()
    return torch.lerp(_column(mean).expand_as(pictures), pictures, _column(numbers[:, 0]))


def _luma(pictures: Pictures) -> Float[Tensor, "n 1 h w"]:
    red, green, blue = pictures.unbind(dim=1)
    return (_GRAY[0] * red + _GRAY[1] * green + _GRAY[2] * blue).round()[:, None]


def _sharpness(pictures: Pictures, numbers: Numbers) -> Pictures:
    """Blend with a 3 x 3 smoothing whose middle weighs 5 of 13; the outermost pixels stay."""
    smooth = pictures.clone()
    inner = 9 * functional.avg_pool2d(pictures, 3, stride=1) + 4 * pictures[:, :, 1:-1, 1:-1]
    smooth[:, :, 1:-1, 1:-1] = (inner / 13).round()
    return torch.lerp(smooth, pictures, _column(numbers[:, 0]))


def _posterize(pictures: Pictures, numbers: Numbers) -> Pictures:
    """Keep so many of the eight bits of a value."""
    step = _column(torch.exp2(8 - numbers[:, 0].round()))
    return torch.floor(pictures / step) * step


def _solarize(pictures: Pictures, numbers: Numbers) -> Pictures:
    """Invert the values from a threshold on."""
    return torch.where(pictures >= _column(numbers[:, 0]), 255 - pictures, pictures)


def _autocontrast(pictures: Pictures, _: Numbers) -> Pictures:
    """Spread each channel over all values; a channel of one value stays."""
    low, high = pictures.amin(dim=(2, 3), keepdim=True), pictures.amax(dim=(2, 3), keepdim=True)
    spread = (pictures - low) * (255 / (high - low).clamp(min=1))
    return torch.where(high > low, torch.floor(spread), pictures)


def _equalize(pictures: Pictures, _: Numbers) -> Pictures:
    """Make the histogram of each channel flat, as `PIL.ImageOps.equalize` does it."""
    n_channels = len(pictures) * 3
    flat = pictures.reshape(n_channels, -1).long()
    own = torch.arange(n_channels, device=flat.device)[:, None]
    counts = torch.bincount((flat + 256 * own).flatten(), minlength=256 * n_channels).view(n_channels, 256)
    highest = flat.amax(dim=1, keepdim=True)
    step = (flat.shape[1] - counts.gather(1, highest)) // 255
    below = counts.cumsum(dim=1) - counts
    table = ((below + step // 2) // step.clamp(min=1)).clamp(max=255)
    return torch.where(step > 0, table.gather(1, flat), flat).to(pictures.dtype).view_as(pictures)


def _cutout(pictures: Pictures, numbers: Numbers) -> Pictures:
    """Cover a square in gray: its side as a share of the picture's, its middle anywhere [DeVries 2017]."""
    height, width = pictures.shape[2:]
    half, x, y = numbers[:, :1] / 2, numbers[:, 1:2], numbers[:, 2:3]
    down = (torch.arange(height, device=pictures.device) + 0.5) / height
    across = (torch.arange(width, device=pictures.device) + 0.5) / width
    covered = ((down - y).abs() < half)[:, None, :, None] & ((across - x).abs() < half)[:, None, None, :]
    return pictures.masked_fill(covered, _MIDDLE)


Operation = Callable[[Pictures, Numbers], Pictures]
OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "invert": _invert,
        "rotate": _rotate,
        "shear_x": _shear_x,
        "shear_y": _shear_y,
        "translate_x": _translate_x,
        "translate_y": _translate_y,
        "brightness": _brightness,
        "color": _color,
        "contrast": _contrast,
        "sharpness": _sharpness,
        "posterize": _posterize,
        "solarize": _solarize,
        "autocontrast": _autocontrast,
        "equalize": _equalize,
        "cutout": _cutout,
    }
)
"""By the names that policies use."""
