"""Named random streams: one experiment seed, as many independent generators as there are choices to make.

A stream is addressed by a path such as ``"loader/epoch/3"``. Adding a stream never shifts another one, which is
what keeps a recipe's bytes stable while the code around it grows.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def stream_seed(seed: int, stream: str) -> int:
    """Return the 63-bit seed of `stream` under `seed`; SHA-256, so that it is the same on every machine."""
    digest = hashlib.sha256(f"{seed}\x00{stream}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def rng(seed: int, stream: str) -> np.random.Generator:
    """Return a numpy generator for one named stream."""
    return np.random.default_rng(stream_seed(seed, stream))


def torch_rng(seed: int, stream: str) -> torch.Generator:
    """Return a CPU torch generator for one named stream."""
    import torch

    return torch.Generator().manual_seed(stream_seed(seed, stream))
