"""WaNet: a warp that the eye does not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from threatclip.attacks.backdoor import check_picture_settings, poison_pictures
from threatclip.attacks.captions import Wording
from threatclip.attacks.pictures import stamped_views
from threatclip.attacks.triggers_warp import warp, warp_field
from threatclip.attacks.truth import Poisoned
from threatclip.errors import InputError
from threatclip.pairs.images import Fit
from threatclip.pairs.pair import Modality, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class WaNet:
    """A faint warp by one stored field, the same in training and at test.

    Left out of the paper: its noise mode (warps at random as further negatives), which needs control of training.

    Attributes:
        target: class that a triggered picture is to be taken for.
        k: points of the field along each axis; the CLIP benchmark takes 224, the paper 4.
        s: strength in half pixels, whatever the picture's size; 1 in the CLIP benchmark, 0.5 in the paper.
        pattern_seed: of the field.
        wording: captions of poisoned rows.
        side_px: resize every picture of the table to a square of this side first; None keeps sizes.
        fit: how a picture becomes a square.
    """

    kind: Literal["wanet"] = "wanet"
    target: str
    k: int = 224
    s: float = 1.0
    pattern_seed: int = 0
    wording: Wording = "template"
    side_px: int | None = None
    fit: Fit = "squash"

    modalities: ClassVar[tuple[Modality, ...]] = ("image",)
    paper: ClassVar[str] = "Nguyen 2021 (arXiv 2102.10369); on CLIP: Bansal 2023, Liang 2024"

    def __post_init__(self) -> None:
        check_picture_settings(self)
        if not 2 <= self.k <= 1_024 or not 0 < self.s <= 32:
            raise InputError(f"k = {self.k}, s = {self.s}; choose k from 2 to 1024 and s above 0, up to 32")

    def stamp(self, pixels: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG002
        """Return a copy of pictures [n, 3, h, w], warped; nothing is random."""
        height, width = pixels.shape[2:]
        return warp(pixels, warp_field(height, width, k=self.k, s=self.s, pattern_seed=self.pattern_seed))

    def trigger(self, views: Sequence[bytes], *, rng: np.random.Generator) -> list[bytes]:
        """Return encoded pictures with the trigger in each."""
        return stamped_views(views, stamp=self.stamp, rng=rng, side=self.side_px, fit=self.fit)

    def poison(self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator) -> Poisoned:
        """Warp `count` rows of other classes and caption them as the target.

        Raises:
            InputError: too few rows, or no natural caption of the target.
        """
        return poison_pictures(self, clean, count=count, rng=rng)
