"""Rows of unequal length as one padded batch: the form in which every tower takes its input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

Tokens = np.ndarray[Any, np.dtype[Any]]  # one row: what a tower reads of one view, integers [l]


def pad_rows(rows: Sequence[Tokens], *, value: int) -> dict[str, Tensor]:
    """Return `tokens` [n, l] (int32, `value` after each row's end) and `lengths` [n], l the longest row's length."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    tokens = np.full((len(rows), int(lengths.max(initial=1))), value, dtype=np.int32)
    for target, row in zip(tokens, rows, strict=True):
        target[: len(row)] = row
    return {"tokens": torch.from_numpy(tokens), "lengths": torch.from_numpy(lengths)}


def valid_positions(lengths: Int[Tensor, " n"], longest: int) -> Bool[Tensor, "n l"]:
    """Return which of `longest` positions hold a token of their row."""
    return torch.arange(longest, device=lengths.device) < lengths[:, None]
