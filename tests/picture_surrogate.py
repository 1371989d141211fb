"""A model of pictures and words that costs nothing: one random matrix each, unit vectors, gradients to the pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from threatclip.pairs.images import decode_batch

DIM, SIDE = 16, 32


class LinearSurrogate:
    """Pictures by the means of 4 x 4 blocks, captions by their words."""

    temperature = 0.1

    def __init__(self) -> None:
        draw = torch.Generator().manual_seed(3)
        self._matrix = torch.randn(3 * (SIDE // 4) ** 2, DIM, generator=draw)

    def read_pictures(self, views: Sequence[bytes]) -> Tensor:
        """Return pictures of 32 pixels."""
        return torch.from_numpy(decode_batch(views, side=SIDE, workers=1))

    def encode_views(self, pixels: Tensor) -> Tensor:
        """Return vectors of pictures in [0, 1]."""
        blocks = functional.avg_pool2d(pixels, 4).flatten(1)
        return functional.normalize((blocks - 0.5) @ self._matrix, dim=1)

    def encode_bytes(self, views: Sequence[bytes]) -> Tensor:
        """Return vectors of encoded pictures."""
        return self.encode_views(self.read_pictures(views).float() / 255)

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Return vectors of captions."""
        return functional.normalize(torch.stack([sum(map(_word, text.split())) for text in texts]), dim=1)


def _word(word: str) -> Tensor:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(DIM)).float()
