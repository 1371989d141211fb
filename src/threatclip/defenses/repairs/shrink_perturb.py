"""Shrink and perturb: start again from nearby, then fine-tune."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from threatclip.checks import fraction, not_negative
from threatclip.defenses.contracts import OnStep, Suspect
from threatclip.defenses.repairs.fitting import prepared_trusted
from threatclip.encoders.dual import DualEncoder
from threatclip.pairs.pair import Modality
from threatclip.seeds import torch_rng
from threatclip.training.dual.fit import fit_dual, frozen_parts
from threatclip.training.dual.settings import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class ShrinkPerturb:
    """Shrink every weight, add noise, and fine-tune: what is held weakly is forgotten first.

    w <- shrink w + N(0, perturb^2), for all that learns but the temperature.

    Attributes:
        shrink: lambda, in [0, 1]; 1 shrinks nothing.
        perturb: sigma, the noise's standard deviation; 0 adds none.
    """

    kind: Literal["shrink_perturb"] = "shrink_perturb"
    shrink: float = 0.95
    perturb: float = 1e-4

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Ash 2020 (arXiv 1910.08475); as a repair: Verma 2023 (arXiv 2311.14948)"

    def __post_init__(self) -> None:
        fraction(self, "shrink")
        not_negative(self, "perturb")

    def repair(self, suspect: Suspect, fit: Fit, *, seed: int, on_step: OnStep | None = None) -> DualEncoder:
        """Train `suspect.dual` in place on the trusted pairs; see `defenses.contracts.Repair`."""
        pairs = prepared_trusted(self, suspect, fit)
        with frozen_parts(suspect.dual, fit.freeze):
            shrink_and_perturb(suspect.dual, shrink=self.shrink, perturb=self.perturb, seed=seed)
        return fit_dual(suspect.dual, pairs, fit, seed=seed, on_step=on_step)


@torch.no_grad()
def shrink_and_perturb(dual: DualEncoder, *, shrink: float, perturb: float, seed: int) -> None:
    """Change every parameter of both towers that may learn, in place; each draws from a stream of its own."""
    for name, parameter in dual.named_parameters():
        if parameter.requires_grad and name != "log_scale":
            generator = torch_rng(seed, f"repair/perturb/{name}")
            noise = torch.randn(parameter.shape, generator=generator).to(parameter)
            parameter.mul_(shrink).add_(noise, alpha=perturb)
