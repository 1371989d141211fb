"""PAR: push the model away from what it was, and let clean pairs bring it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from threatclip.checks import check, fraction
from threatclip.defenses.contracts import OnStep, Suspect
from threatclip.defenses.repairs.fitting import frozen_copy, prepared_trusted
from threatclip.defenses.repairs.looks import look
from threatclip.defenses.repairs.second import LOOK, SecondLooks, shown_pictures
from threatclip.encoders.dual import DualEncoder
from threatclip.losses.drift import capped_drift
from threatclip.pairs.pair import Modality
from threatclip.training.contracts import Batch
from threatclip.training.dual.batches import CAPTION, SECOND, VIEW
from threatclip.training.dual.fit import fit_dual
from threatclip.training.dual.objective import ContrastiveObjective, tower_vectors
from threatclip.training.dual.settings import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Par:
    """Perturb and recover: fine-tuning that also drives vectors away from those of the suspect model, up to a distance.

    L = L_CLIP - (1[d_I <= tau] d_I + 1[d_T <= tau] d_T) / 2, with d the batch mean of the squared distance between the
    unit vectors of the model and of a frozen copy of the suspect one, of the same inputs. Pictures are shown with
    light noise and a gray square; texts and payloads as they are.

    Attributes:
        tau: where the push stops, in squared Euclidean distance, 0 to 4; 0 never pushes.
        noise: standard deviation on pixels in [0, 1].
        cutout: cover a square of a quarter of the side, anywhere.
    """

    kind: Literal["par"] = "par"
    tau: float = 2.15
    noise: float = 0.02
    cutout: bool = True

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Singh 2026, Perturb and Recover (CVPR 2026)"

    def __post_init__(self) -> None:
        check("tau", self.tau, 0 <= self.tau <= 4, "in [0, 4]")
        fraction(self, "noise")

    def repair(self, suspect: Suspect, fit: Fit, *, seed: int, on_step: OnStep | None = None) -> DualEncoder:
        """Train `suspect.dual` in place on the trusted pairs; see `defenses.contracts.Repair`."""
        pairs = prepared_trusted(self, suspect, fit)
        pictures = suspect.modality == "image" and (self.cutout or self.noise > 0)
        views = (
            shown_pictures(pairs, suspect.trusted, suspect.dual, "cutout" if self.cutout else None)
            if pictures
            else None
        )
        return fit_dual(
            suspect.dual,
            pairs,
            fit,
            seed=seed,
            objective=lambda dual: PerturbAndRecover(
                dual=dual, frozen=frozen_copy(dual), tau=self.tau, noise=self.noise, looked=pictures
            ),
            second=SecondLooks(pairs=pairs, views=views, captions=None),
            on_step=on_step,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PerturbAndRecover:
    """The objective: see `Par`.

    Attributes:
        dual: learns.
        frozen: what `dual` was; in evaluation mode, without gradients.
        tau: where the push stops.
        noise: standard deviation on looked pictures in [0, 1].
        looked: whether the batch holds second looks of the views, which are then the only ones that are read.
    """

    dual: DualEncoder
    frozen: DualEncoder
    tau: float
    noise: float = 0.0
    looked: bool = False

    def represent(self, batch: Batch) -> dict[str, Tensor]:
        """Return unit vectors of views and captions, of both models."""
        seen = self._seen(batch)
        plain = ContrastiveObjective(dual=self.dual).represent(seen)
        with torch.no_grad():
            before = {
                "frozen_view": tower_vectors(self.frozen.view_tower, seen, prefix=VIEW),
                "frozen_caption": tower_vectors(self.frozen.text_tower, seen, prefix=CAPTION),
            }
        return plain | before

    def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Return the contrastive loss less the pushes, and the terms."""
        terms = ContrastiveObjective(dual=self.dual).loss(reps, batch)
        views = capped_drift(reps["view"], reps["frozen_view"], tau=self.tau)
        captions = capped_drift(reps["caption"], reps["frozen_caption"], tau=self.tau)
        clip = terms["loss"]
        pushes = {"drift_view": views.detach(), "drift_caption": captions.detach()}
        return terms | {"loss": clip - (views + captions) / 2, "clip": clip} | pushes

    def _seen(self, batch: Batch) -> Batch:
        """Return the batch with looked, noisy pictures as its views."""
        if not self.looked:
            return batch
        pixels, drawn = batch[f"{SECOND}{VIEW}pixels"], batch.get(f"{SECOND}{VIEW}{LOOK}")
        shown = pixels.float() / 255 if drawn is None else look(pixels, drawn)
        if self.noise:
            shown = (shown + self.noise * torch.randn_like(shown)).clamp_(0, 1)
        kept = {name: value for name, value in batch.items() if not name.startswith(VIEW)}
        return kept | {f"{VIEW}pixels": shown}
