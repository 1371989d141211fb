"""Batches of SafeCLIP: all rows of a batch get the same kind of loss, and say which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from threatclip.defenses.trainings.running import marked, n_visits
from threatclip.defenses.trainings.safe_memory import SafeMemory
from threatclip.errors import InputError
from threatclip.training.contracts import Batch
from threatclip.training.dual.batches import Looks, PairBatches

UNIMODAL = "unimodal"  # whether the rows of a batch learn within their own modality, not from each other
_LEAST = 2  # rows of a batch, batches of an epoch with both kinds
_TURN = 1_000_000  # more epochs than any fit has


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmBatches:
    """Batches of all pairs, of one kind."""

    plain: PairBatches
    unimodal: bool

    @property
    def steps_per_epoch(self) -> int:
        """How many batches one epoch has."""
        return self.plain.steps_per_epoch

    def batch(self, epoch: int, step: int) -> Batch:
        """Return one batch."""
        return marked(self.plain.batch(epoch, step), UNIMODAL, self.unimodal)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Plan:
    """One epoch: so many batches of risky pairs, then batches of safe ones."""

    n_risky: int
    risky: PairBatches | None
    safe: PairBatches | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitBatches:
    """In each epoch batches of the risky pairs, then of the safe ones, as many as their share of the pairs.

    What is safe is decided before an epoch's first batch, from the model as it then is, and kept in `memory`: asked
    for the same batch again, or after a resume, it is the same.
    """

    plain: PairBatches
    memory: SafeMemory
    split: Callable[[int], None]  # brings the memory's split to an epoch
    _plans: dict[int, _Plan] = field(default_factory=dict)  # of the last epoch asked for

    @property
    def steps_per_epoch(self) -> int:
        """How many batches one epoch has, of both kinds together."""
        return self.plain.steps_per_epoch

    def batch(self, epoch: int, step: int) -> Batch:
        """Return one batch."""
        if not self.memory.is_split(epoch):
            self.split(epoch)
        if epoch not in self._plans:
            self._plans.clear()
            self._plans[epoch] = self._plan()
        plan = self._plans[epoch]
        unimodal = step < plan.n_risky
        part = plan.risky if unimodal else plan.safe
        if part is None:
            raise InputError("too few pairs for a batch of either kind; give more")
        # a part whose last rows do not fill a batch may be dealt out twice: the second time in another order
        turn, place = divmod(step if unimodal else step - plan.n_risky, part.steps_per_epoch)
        return marked(part.batch(epoch + turn * _TURN, place), UNIMODAL, unimodal)

    def _plan(self) -> _Plan:
        safe, risky = (_taken(self.plain, self.memory.rows(safe=kind)) for kind in (True, False))
        whole = self.steps_per_epoch
        if safe is None or risky is None or whole < _LEAST:
            return _Plan(n_risky=whole if safe is None else 0, risky=risky, safe=safe)
        share = float(self.memory.safe.float().mean())
        return _Plan(n_risky=min(max(round(whole * (1 - share)), 1), whole - 1), risky=risky, safe=safe)


def _taken(batches: PairBatches, rows: np.ndarray) -> PairBatches | None:
    """Return the batches of some pairs alone, smaller ones where they do not fill one; None where nothing does."""
    visits = n_visits(batches.pairs.view_of[rows], batches.settings)
    if visits < _LEAST:
        return None
    second = batches.second
    return replace(
        batches,
        pairs=batches.pairs.take(rows),
        settings=replace(batches.settings, batch_rows=min(batches.settings.batch_rows, visits)),
        second=second if isinstance(second, bool) else _TakenLooks(looks=second, rows=rows),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _TakenLooks:
    """Looks of some pairs of a larger table."""

    looks: Looks
    rows: np.ndarray

    def batch(self, rows: np.ndarray, draw: np.random.Generator) -> Batch:
        return self.looks.batch(self.rows[rows], draw)
