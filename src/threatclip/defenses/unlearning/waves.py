"""Plane waves: the fourth kind of universal change, searched without a gradient.

A network may hang on one direction of the Fourier basis [Tsuzuku 2019; Yin 2019, section 3]; a search by gradients
spreads over many of them and misses it, while a few hundred waves can simply be tried.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from threatclip.checks import fraction
from threatclip.defenses.unlearning.kinds import Numbers

_ANGLES = (0.0, math.pi / 4, math.pi / 2, 3 * math.pi / 4)
_PHASES = (0.0, math.pi / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """x + amplitude sin(2 pi f (cos(a) column + sin(a) row) / side + phase), on all channels alike."""

    amplitude: float = 0.2
    rate: ClassVar[float] = 0.0
    weight: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        fraction(self, "amplitude")

    def candidates(self, side: int, *, drawn: int, rng: np.random.Generator) -> Numbers:
        """Return waves to try: whole frequencies along rows, columns and diagonals, and `drawn` others.

        Returns:
            One tensor [k, 3]: cycles a side, angle, phase, in radians.
        """
        grid = [[float(f), angle, phase] for f in range(1, side // 2 + 1) for angle in _ANGLES for phase in _PHASES]
        others = np.stack(
            [rng.uniform(0.5, side / 2, drawn), rng.uniform(0, math.pi, drawn), rng.uniform(0, 2 * math.pi, drawn)],
            axis=1,
        )
        return (torch.tensor(np.concatenate([np.array(grid), others]), dtype=torch.float32),)

    def start(self, k: int, side: int, *, generator: torch.Generator) -> Numbers:
        """Return k waves drawn evenly."""
        drawn = torch.rand(k, 3, generator=generator)
        return (drawn * torch.tensor([side / 2, math.pi, 2 * math.pi]),)

    def apply(
        self, numbers: Numbers, pictures: Float[Tensor, "n 3 s s"], members: Int[Tensor, " n"]
    ) -> Float[Tensor, "n 3 s s"]:
        """Return the pictures with their waves."""
        side = pictures.shape[-1]
        cycles, angle, phase = numbers[0].to(pictures.device)[members].unbind(dim=1)
        place = torch.arange(side, device=pictures.device) / side
        along = (
            torch.cos(angle)[:, None, None] * place[None, None, :] + torch.sin(angle)[:, None, None] * place[:, None]
        )
        wave = torch.sin(2 * math.pi * cycles[:, None, None] * along + phase[:, None, None])
        return (pictures + self.amplitude * wave[:, None]).clamp(0.0, 1.0)

    def sizes(self, numbers: Numbers) -> Float[Tensor, " k"]:
        """Return the amplitude, the same for all."""
        return torch.full((len(numbers[0]),), self.amplitude)

    def bounded(self, numbers: Numbers) -> Numbers:
        """Return the waves as they are."""
        return numbers
