"""CleanCLIP: views and captions are also to find themselves, shown in another way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from threatclip.checks import not_negative
from threatclip.defenses.contracts import OnStep, Suspect
from threatclip.defenses.repairs.fitting import prepared_trusted
from threatclip.defenses.repairs.looks import PicturePolicy, check_policy
from threatclip.defenses.repairs.second import SecondLooks, shown_pictures, shown_texts
from threatclip.defenses.repairs.self_supervision import SelfSupervised
from threatclip.encoders.dual import DualEncoder
from threatclip.pairs.pair import Modality
from threatclip.training.dual.batches import CAPTION, VIEW
from threatclip.training.dual.fit import fit_dual
from threatclip.training.dual.prepared import PreparedPairs
from threatclip.training.dual.settings import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanClip:
    """Fine-tuning with self-supervision in each modality, which breaks what ties a trigger to its caption.

    L = clip_weight L_CLIP + self_weight (CE(I, I~) + CE(T, T~)) / 2, all at one temperature. Second looks pass through
    the towers on their own, so that batch norms neither mix them with plain views nor remember them.

    Attributes:
        clip_weight: lambda_1, of the plain contrastive loss.
        self_weight: lambda_2, of the self-supervised one.
        pictures: how pictures are shown again: "autoaugment" as in the paper, or "strong", for small pictures. Texts
            are changed by easy data augmentation, payloads by neutral mutations.
        redraw: change texts and payloads anew each time; without, once for the whole repair, as the authors do.
    """

    kind: Literal["clean_clip"] = "clean_clip"
    clip_weight: float = 1.0
    self_weight: float = 1.0
    pictures: PicturePolicy = "autoaugment"
    redraw: bool = False

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "payload", "text")
    paper: ClassVar[str] = "Bansal 2023 (arXiv 2303.03323)"

    def __post_init__(self) -> None:
        not_negative(self, "clip_weight", "self_weight")
        check_policy(self.pictures)

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
            second=clean_clip_looks(suspect, pairs, policy=self.pictures, redraw=self.redraw, seed=seed),
            on_step=on_step,
        )


def clean_clip_looks(
    suspect: Suspect, pairs: PreparedPairs, *, policy: PicturePolicy, redraw: bool, seed: int
) -> SecondLooks:
    """Return the second looks of CleanCLIP for trusted pairs; other repairs build on them."""
    trusted, dual, modality = suspect.trusted, suspect.dual, suspect.modality
    views = (
        shown_pictures(pairs, trusted, dual, policy)
        if modality == "image"
        else shown_texts(trusted, dual, side=VIEW, modality=modality, redraw=redraw, seed=seed)
    )
    captions = shown_texts(trusted, dual, side=CAPTION, modality=modality, redraw=redraw, seed=seed)
    return SecondLooks(pairs=pairs, views=views, captions=captions)
