"""Fine-tuning on trusted pairs: the plain contrastive loss and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from threatclip.defenses.contracts import OnStep, Suspect
from threatclip.defenses.repairs.fitting import prepared_trusted
from threatclip.encoders.dual import DualEncoder
from threatclip.pairs.pair import Modality
from threatclip.training.dual.fit import fit_dual
from threatclip.training.dual.settings import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuning:
    """Train on as CLIP does, with trusted pairs: what every other repair is measured against."""

    kind: Literal["fine_tuning"] = "fine_tuning"

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Yang 2023 (arXiv 2209.15266), section 5; Bansal 2023 (arXiv 2303.03323)"

    def repair(self, suspect: Suspect, fit: Fit, *, seed: int, on_step: OnStep | None = None) -> DualEncoder:
        """Train `suspect.dual` in place on the trusted pairs; see `defenses.contracts.Repair`."""
        return fit_dual(suspect.dual, prepared_trusted(self, suspect, fit), fit, seed=seed, on_step=on_step)
