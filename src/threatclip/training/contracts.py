"""What the loop asks of others (an objective, batches) and what it gives back (Step records)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeAlias

from torch import Tensor

Batch: TypeAlias = dict[str, Tensor]
"""Named tensors; the first dimension of every one is the batch's rows."""


class Objective(Protocol):
    """What is learned, cut in two so that the contrastive batch is not bound by memory."""

    def represent(self, batch: Batch) -> dict[str, Tensor]:
        """Return named per-row tensors [rows, ...]; row i may depend on row i of `batch` only.

        Called with any slice of the batch, once or twice, under autocast where the precision asks for it.
        """
        ...

    def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Return named scalar terms; the one named `loss` is what is minimized.

        Sees the whole batch (of all processes): representations in fp32, and the batch they came from. May use
        parameters of its own (a temperature, say).
        """
        ...


class Batches(Protocol):
    """Batches without state: the same (epoch, step) is the same batch, so that resuming needs no loader state.

    Every process is asked for the whole batch and then takes its own rows of it: two processes see exactly what one
    would.
    """

    @property
    def steps_per_epoch(self) -> int:
        """How many batches one epoch has."""
        ...

    def batch(self, epoch: int, step: int) -> Batch:
        """Return batch `step` (0 to steps_per_epoch - 1) of `epoch` (from 0), on the CPU."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One finished update."""

    step: int
    """Updates done so far, this one included."""
    epoch: int
    """The epoch this update belongs to, from 0."""
    losses: Mapping[str, float]
    """The objective's terms, `loss` among them, before this update."""
    lr: float
    """Learning rate of this update, without the multipliers of parameter groups."""
    grad_norm: float
    """Euclidean norm of the gradient before clipping."""
    seconds: float
    """Wall time of the update: making the batch, both passes, the optimizer; not the checkpoint."""
    rows: int
    """Rows of the whole batch, over all processes."""
    checkpoint: str | None = None
    """Folder name of the checkpoint that holds the state after this update; already on the disk."""
    notes: tuple[str, ...] = ()
    """On the first record: what was resumed, and each damaged checkpoint that was passed over."""

    def as_dict(self) -> dict[str, Any]:
        """Return the record as JSON-able values."""
        return {**asdict(self), "losses": dict(self.losses), "notes": list(self.notes)}
