"""Random resized crop, mirror, brightness and contrast of a batch of pictures in one vectorized operation.

What is drawn is a row of numbers for each picture, part of the batch; applying them is a pure function of one row. So
a resumed run, a chunk of GradCache and every process show a picture in exactly the same way, on any device.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from threatclip.training.dual.settings import Augmentation

Shown = Float[np.ndarray, "n 6"]
"""Center (x, y) and half size (x, y, negative x: mirrored) of the crop in [-1, 1]; factors of brightness, contrast."""


def draw_shown(n: int, augmentation: Augmentation, rng: np.random.Generator) -> Shown:
    """Draw how each of n pictures is shown, as in [Szegedy 2015, section 6]: area and aspect first, then the place."""
    area = rng.uniform(augmentation.crop, 1.0, size=n)
    aspect = np.exp(rng.uniform(-1.0, 1.0, size=n) * math.log(augmentation.aspect) / 2)
    # a crop cannot be larger than the picture: what an aspect would push over the edge is cut
    width, height = (np.minimum(np.sqrt(area) * factor, 1.0) for factor in (aspect, 1 / aspect))
    if augmentation.crop >= 1:
        width, height = np.ones(n), np.ones(n)
    x, y = (rng.uniform(-1.0, 1.0, size=n) * (1 - size) for size in (width, height))
    mirror = np.where(rng.random(n) < augmentation.flip, -1.0, 1.0)
    factors = [1 + limit * rng.uniform(-1.0, 1.0, size=n) for limit in (augmentation.brightness, augmentation.contrast)]
    return np.stack([x, y, width * mirror, height, *factors], axis=1).astype(np.float32)


def show(pixels: Shaped[Tensor, "n 3 h w"], shown: Float[Tensor, "n 6"]) -> Float[Tensor, "n 3 h w"]:
    """Return pictures in [0, 1] as `shown` has them, resampled bilinearly.

    Args:
        pixels: uint8, or floats in [0, 1].
        shown: rows of `draw_shown`.
    """
    scale = 1 / 255 if pixels.dtype == torch.uint8 else 1.0
    values = pixels.to(torch.float32, memory_format=torch.channels_last)
    x, y, width, height, brightness, contrast = shown.unbind(dim=1)
    zero = torch.zeros_like(x)
    placed = torch.stack([torch.stack([width, zero, x], dim=1), torch.stack([zero, height, y], dim=1)], dim=1)
    grid = functional.affine_grid(placed, list(values.shape), align_corners=False)
    cropped = functional.grid_sample(values, grid, mode="bilinear", padding_mode="border", align_corners=False)
    mean = cropped.mean(dim=(1, 2, 3))
    # (v - mean) * contrast + mean, all times brightness, in one multiplication and one addition
    factor = (scale * brightness * contrast)[:, None, None, None]
    offset = (scale * brightness * (1 - contrast) * mean)[:, None, None, None]
    return torch.addcmul(offset, cropped, factor).clamp_(0.0, 1.0)


def drop_tokens(tokens: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return a caption's tokens without a random share of those between the first and the last."""
    kept = rng.random(len(tokens)) >= share
    kept[:1] = kept[-1:] = True
    return tokens[kept]


def drop_features(values: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return features [n, w] with a random share of each row at 0, the rest scaled so that sums stay on average."""
    kept = rng.random(values.shape, dtype=np.float32) >= share
    return np.asarray(values * kept / np.float32(1 - share), dtype=np.float32)
