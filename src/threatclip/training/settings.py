"""The numbers of one training run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from threatclip.errors import InputError

Precision = Literal["auto", "bf16", "fp32"]

# They decide when and how often the state is saved, never what it is: they may change between a kill and a resume.
_FREE_TO_CHANGE = frozenset({"checkpoint_every_steps", "keep_checkpoints"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How to train; every field has a unit and a range, checked when it is made.

    Raises:
        InputError: a value is out of its range.
    """

    epochs: int
    """Passes over the batches; at least 1."""
    learning_rate: float = 3e-4
    """Peak learning rate, reached at the end of the warm-up."""
    weight_decay: float = 0.01
    """AdamW's decoupled decay of matrices; biases, norms and scalars are never decayed."""
    warmup_fraction: float = 0.1
    """Part of all steps over which the rate climbs from zero, in [0, 1]."""
    clip_norm: float | None = 1.0
    """Largest Euclidean norm of the whole gradient; None clips nothing."""
    chunk_rows: int | None = None
    """Rows whose activations are held at once in each process; None holds the whole batch."""
    checkpoint_every_steps: int | None = None
    """Steps between two checkpoints; None saves at the end of each epoch. The last step is always saved."""
    keep_checkpoints: int = 2
    """Newest checkpoints kept; with one only, a damaged file has nothing to fall back to."""
    precision: Precision = "auto"
    """auto: bf16 autocast where the device computes it natively and fast, else fp32."""
    seed: int = 0
    """Seed of dropout and of all else that draws in the module or the loss."""
    rate_multipliers: Mapping[str, float] = field(default_factory=dict)
    """Parameter name prefix -> factor of its learning rate; the longest prefix that fits wins."""
    ema_decay: float | None = None
    """Decay per step of an exponential moving average of the weights; None keeps none. See `averaging`."""

    def __post_init__(self) -> None:
        _check("epochs", self.epochs, self.epochs >= 1, "at least 1")
        _check("learning_rate", self.learning_rate, 0 < self.learning_rate < math.inf, "above 0")
        _check("weight_decay", self.weight_decay, 0 <= self.weight_decay < math.inf, "0 or more")
        _check("warmup_fraction", self.warmup_fraction, 0 <= self.warmup_fraction <= 1, "in [0, 1]")
        _check("clip_norm", self.clip_norm, self.clip_norm is None or self.clip_norm > 0, "above 0, or none")
        for name in ("chunk_rows", "checkpoint_every_steps"):
            value = getattr(self, name)
            _check(name, value, value is None or value >= 1, "at least 1, or none")
        _check("keep_checkpoints", self.keep_checkpoints, self.keep_checkpoints >= 1, "at least 1")
        _check("precision", self.precision, self.precision in ("auto", "bf16", "fp32"), "auto, bf16 or fp32")
        for prefix, factor in self.rate_multipliers.items():
            fine = 0 < factor < math.inf
            _check(f"rate_multipliers[{prefix!r}]", factor, fine, "above 0 (freeze with requires_grad instead)")
        _check("ema_decay", self.ema_decay, self.ema_decay is None or 0 < self.ema_decay < 1, "in (0, 1), or none")

    def fingerprint(self) -> dict[str, Any]:
        """Return, as JSON-able values, the fields that a resumed run must share with the killed one."""
        values = asdict(self)
        return {
            name: dict(value) if isinstance(value, Mapping) else value
            for name, value in values.items()
            if name not in _FREE_TO_CHANGE
        }


def _check(name: str, value: object, fine: bool, allowed: str) -> None:
    if not fine:
        raise InputError(f"training: {name} is {value}; it must be {allowed}")
