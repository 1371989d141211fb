"""Batches of rows of about one length: less padding, and still a function of (epoch, step) alone."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from threatclip import seeds
from threatclip.errors import InputError
from threatclip.training.batches import Collate
from threatclip.training.contracts import Batch

_BATCHES_PER_BLOCK = 50  # shuffled rows that are sorted together: small enough that epochs differ


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LengthBatches:
    """Every row once per epoch: rows are shuffled, sorted by length within blocks, and the batches shuffled again.

    Raises:
        InputError: no rows, or an empty batch.
    """

    lengths: np.ndarray
    """Length of each row [rows] int."""
    batch_rows: int
    seed: int
    collate: Collate

    def __post_init__(self) -> None:
        if self.batch_rows < 1 or not len(self.lengths):
            raise InputError(f"training: {len(self.lengths)} rows do not fill a batch of {self.batch_rows}")

    @property
    def steps_per_epoch(self) -> int:
        """How many batches one epoch has."""
        return -(-len(self.lengths) // self.batch_rows)

    def indices(self, epoch: int, step: int) -> np.ndarray:
        """Return the row numbers of one batch."""
        return _plan(self, epoch)[step]

    def batch(self, epoch: int, step: int) -> Batch:
        """Return one batch."""
        return self.collate(self.indices(epoch, step), seeds.rng(self.seed, f"batches/collate/{epoch}/{step}"))


@functools.lru_cache(maxsize=4)
def _plan(batches: LengthBatches, epoch: int) -> list[np.ndarray]:
    """Return the rows of every batch of one epoch."""
    generator = seeds.rng(batches.seed, f"batches/by-length/{epoch}")
    order = generator.permutation(len(batches.lengths))
    block = _BATCHES_PER_BLOCK * batches.batch_rows
    made = []
    for start in range(0, len(order), block):
        rows = order[start : start + block]
        rows = rows[np.argsort(batches.lengths[rows], kind="stable")]
        made += [rows[at : at + batches.batch_rows] for at in range(0, len(rows), batches.batch_rows)]
    return [made[number] for number in generator.permutation(len(made))]
