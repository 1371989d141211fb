"""ABD: pictures are to find themselves among adversarial versions of themselves, which lie where triggers lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from threatclip.checks import not_negative
from threatclip.defenses.contracts import OnStep, Suspect
from threatclip.defenses.repairs.adversarial import Crafting, adversarial_pictures
from threatclip.defenses.repairs.fitting import frozen_copy, prepared_trusted
from threatclip.defenses.repairs.second import SecondLooks, ShownPictures, picture_pixels, shown_texts
from threatclip.defenses.repairs.self_supervision import SelfSupervised
from threatclip.encoders.dual import DualEncoder
from threatclip.pairs.pair import Modality
from threatclip.training.distributed import this_accelerator
from threatclip.training.dual.batches import CAPTION
from threatclip.training.dual.fit import fit_dual
from threatclip.training.dual.prepared import PreparedPairs, whole
from threatclip.training.dual.settings import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Abd:
    """CleanCLIP with adversarial pictures, crafted on the suspect model, in place of augmented ones.

    A trigger is a shortcut across the model's space, and gradients find the same shortcuts; pulling what they lead to
    back to the plain picture closes both. Captions are changed as in CleanCLIP. Pictures only: a gradient leads to no
    text and to no payload.

    Attributes:
        clip_weight: lambda_1, of the plain contrastive loss.
        self_weight: lambda_2, of the self-supervised one.
        crafting: how pictures are moved; once, before the first step.
        redraw: change captions anew each time; without, once for the whole repair.
    """

    kind: Literal["abd"] = "abd"
    clip_weight: float = 1.0
    self_weight: float = 1.0
    crafting: Crafting = field(default_factory=Crafting)
    redraw: bool = False

    modalities: ClassVar[tuple[Modality, ...]] = ("image",)
    paper: ClassVar[str] = "Kuang 2024 (arXiv 2409.15968); no released code: how examples are crafted is ours"

    def __post_init__(self) -> None:
        not_negative(self, "clip_weight", "self_weight")

    def repair(self, suspect: Suspect, fit: Fit, *, seed: int, on_step: OnStep | None = None) -> DualEncoder:
        """Train `suspect.dual` in place on the trusted pairs; see `defenses.contracts.Repair`."""
        pairs = prepared_trusted(self, suspect, fit)
        return fit_dual(
            suspect.dual,
            pairs,
            fit,
            seed=seed,
            objective=lambda dual: SelfSupervised(
                dual=dual, clip_weight=self.clip_weight, self_weight=self.self_weight
            ),
            second=SecondLooks(
                pairs=pairs,
                views=ShownPictures(pixels=self._crafted(suspect, pairs, seed=seed)),
                captions=shown_texts(
                    suspect.trusted, suspect.dual, side=CAPTION, modality="image", redraw=self.redraw, seed=seed
                ),
            ),
            on_step=on_step,
        )

    def _crafted(self, suspect: Suspect, pairs: PreparedPairs, *, seed: int) -> np.ndarray:
        """Return an adversarial version of each distinct picture, moved away from the first of its captions."""
        model = frozen_copy(suspect.dual).to(this_accelerator().device)
        _, first = np.unique(pairs.view_of, return_index=True)
        kept = whole(suspect.trusted)
        captions = suspect.text_vectors([kept[place].caption or "" for place in first.tolist()])
        pixels = picture_pixels(pairs, suspect.trusted, suspect.dual)
        return adversarial_pictures(model, pixels, captions, self.crafting, seed=seed)
