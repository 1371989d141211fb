"""Which rows make up batch (epoch, step): pure functions of a seed, so that resuming needs no loader state.

A `collate` turns row numbers into tensors and gets a generator of its own for each batch, so that augmentation is
repeatable too: `collate(indices: [rows] int64, rng) -> Batch`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from threatclip import seeds
from threatclip.errors import InputError
from threatclip.training.contracts import Batch

Collate = Callable[[np.ndarray, np.random.Generator], Batch]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShuffledBatches:
    """Every row once per epoch, in an order drawn anew for each epoch.

    Raises:
        InputError: there are fewer rows than one batch needs, or none.
    """

    n_rows: int
    batch_rows: int
    seed: int
    collate: Collate
    drop_last: bool = True
    """Leave out the rows that do not fill a batch (others in each epoch); else the last batch is smaller."""

    def __post_init__(self) -> None:
        least = self.batch_rows if self.drop_last else 1
        if self.batch_rows < 1 or self.n_rows < least:
            raise InputError(f"training: {self.n_rows} rows do not fill a batch of {self.batch_rows}; make it smaller")

    @property
    def steps_per_epoch(self) -> int:
        """How many batches one epoch has."""
        return self.n_rows // self.batch_rows if self.drop_last else -(-self.n_rows // self.batch_rows)

    def indices(self, epoch: int, step: int) -> np.ndarray:
        """Return the row numbers of one batch."""
        order = _permutation(self.n_rows, self.seed, epoch)
        return order[step * self.batch_rows : (step + 1) * self.batch_rows]

    def batch(self, epoch: int, step: int) -> Batch:
        """Return one batch."""
        return self.collate(self.indices(epoch, step), _collate_rng(self.seed, epoch, step))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassBalancedBatches:
    """Batches of `classes_per_batch` classes with `rows_per_class` rows each, for losses over same-class pairs.

    The classes used least so far in the epoch come next, ties drawn; each class deals its rows from a shuffled deck
    and shuffles anew when the deck is used up. A class with fewer rows than `rows_per_class` repeats them.

    Raises:
        InputError: fewer classes than a batch needs.
    """

    labels: np.ndarray
    """Class number of each row [rows] int; rows with a negative one are never drawn."""
    classes_per_batch: int
    rows_per_class: int
    seed: int
    collate: Collate
    steps: int | None = None
    """Batches per epoch; None takes as many as deal about every row once."""

    def __post_init__(self) -> None:
        n_classes = len(np.unique(self.labels[self.labels >= 0]))
        if not 1 <= self.classes_per_batch <= n_classes or self.rows_per_class < 1:
            raise InputError(
                f"training: {n_classes} classes do not fill a batch of {self.classes_per_batch} classes "
                f"with {self.rows_per_class} rows each; make it smaller"
            )

    @property
    def steps_per_epoch(self) -> int:
        """How many batches one epoch has."""
        if self.steps is not None:
            return self.steps
        return max(1, round(int((self.labels >= 0).sum()) / (self.classes_per_batch * self.rows_per_class)))

    def indices(self, epoch: int, step: int) -> np.ndarray:
        """Return the row numbers of one batch, class by class."""
        rows: np.ndarray = _balanced_plan(self, epoch)[step]
        return rows

    def batch(self, epoch: int, step: int) -> Batch:
        """Return one batch."""
        return self.collate(self.indices(epoch, step), _collate_rng(self.seed, epoch, step))


def _collate_rng(seed: int, epoch: int, step: int) -> np.random.Generator:
    return seeds.rng(seed, f"batches/collate/{epoch}/{step}")


@functools.lru_cache(maxsize=4)
def _permutation(n_rows: int, seed: int, epoch: int) -> np.ndarray:
    order = seeds.rng(seed, f"batches/shuffled/{epoch}").permutation(n_rows)
    order.flags.writeable = False
    return order


@functools.lru_cache(maxsize=4)
def _balanced_plan(batches: ClassBalancedBatches, epoch: int) -> np.ndarray:
    """Return the rows of every batch of one epoch, [steps, classes_per_batch * rows_per_class]."""
    rng = seeds.rng(batches.seed, f"batches/balanced/{epoch}")
    decks = [
        _deal(np.flatnonzero(batches.labels == label), batches.rows_per_class, rng)
        for label in np.unique(batches.labels[batches.labels >= 0])
    ]
    used = np.zeros(len(decks), dtype=np.int64)
    plan = np.empty((batches.steps_per_epoch, batches.classes_per_batch * batches.rows_per_class), dtype=np.int64)
    for step in range(len(plan)):
        chosen = np.lexsort((rng.random(len(decks)), used))[: batches.classes_per_batch]
        used[chosen] += 1
        plan[step] = np.concatenate([next(decks[number]) for number in chosen])
    plan.flags.writeable = False
    return plan


def _deal(rows: np.ndarray, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield hands of `size` rows without end; a hand repeats a row only if there are fewer than `size`."""
    deck = rng.permutation(rows)
    while True:
        while len(deck) < size:
            fresh = rng.permutation(rows)
            # what is still in hand goes to the bottom of the fresh deck, so that no hand holds a row twice
            deck = np.concatenate([deck, fresh[~np.isin(fresh, deck)], fresh[np.isin(fresh, deck)]])
        yield deck[:size]
        deck = deck[size:]
