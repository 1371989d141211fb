"""SIG: one sinusoid over the whole picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from threatclip.attacks.backdoor import check_picture_settings, poison_pictures
from threatclip.attacks.captions import Wording
from threatclip.attacks.pictures import stamped_views
from threatclip.attacks.triggers import add, blend, check_choice, sinusoid
from threatclip.attacks.truth import Poisoned
from threatclip.errors import InputError
from threatclip.pairs.images import Fit
from threatclip.pairs.pair import Modality, Pair

Mode = Literal["add", "blend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sig:
    """A vertical sinusoid over the whole picture, added or blended.

    Attributes:
        target: class that a triggered picture is to be taken for.
        amplitude: of the wave, in [0, 1]; 60/255 for CIFAR-10 in the paper's code and in the CLIP benchmark.
        cycles: over the width, whatever the picture's size.
        mode: "add" puts amplitude x wave on the picture, as the paper; "blend" makes 0.8 picture + 0.2 wave, as the
            code of [Bansal 2023], where the amplitude is not used.
        wording: captions of poisoned rows.
        side_px: resize every picture of the table to a square of this side first; None keeps sizes.
        fit: how a picture becomes a square.
    """

    kind: Literal["sig"] = "sig"
    target: str
    amplitude: float = 60 / 255
    cycles: float = 6.0
    mode: Mode = "add"
    wording: Wording = "template"
    side_px: int | None = None
    fit: Fit = "squash"

    modalities: ClassVar[tuple[Modality, ...]] = ("image",)
    paper: ClassVar[str] = "Barni 2019 (arXiv 1902.11237), as used on CLIP by Bansal 2023 and Liang 2024"

    def __post_init__(self) -> None:
        check_picture_settings(self)
        check_choice(self.mode, Mode, what="mode")
        if not 0 < self.amplitude <= 1 or not 0 < self.cycles <= 1_000:
            raise InputError(f"amplitude = {self.amplitude}, cycles = {self.cycles}; want (0, 1] and (0, 1000]")

    def stamp(self, pixels: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG002
        """Return a copy of pictures [n, 3, h, w] with the wave; nothing is random."""
        wave = sinusoid(*pixels.shape[2:], cycles=self.cycles)
        return add(pixels, self.amplitude * wave) if self.mode == "add" else blend(pixels, wave, alpha=0.2)

    def trigger(self, views: Sequence[bytes], *, rng: np.random.Generator) -> list[bytes]:
        """Return encoded pictures with the trigger in each."""
        return stamped_views(views, stamp=self.stamp, rng=rng, side=self.side_px, fit=self.fit)

    def poison(self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator) -> Poisoned:
        """Stamp `count` rows of other classes and caption them as the target.

        Raises:
            InputError: too few rows, or no natural caption of the target.
        """
        return poison_pictures(self, clean, count=count, rng=rng)
