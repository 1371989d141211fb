"""Blended: a faint picture over the whole picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from threatclip.attacks.backdoor import check_picture_settings, poison_pictures
from threatclip.attacks.captions import Wording
from threatclip.attacks.pictures import stamped_views
from threatclip.attacks.triggers import blend, check_choice
from threatclip.attacks.triggers_overlay import PAPER_ALPHA, OverlayPattern, overlay
from threatclip.attacks.truth import Poisoned
from threatclip.errors import InputError
from threatclip.pairs.images import Fit
from threatclip.pairs.pair import Modality, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Blended:
    """Another picture blended over the whole picture.

    The default is the noise of the CLIP benchmark, drawn anew for each picture. `pattern=noise` is one noise for all,
    as in the first paper; only that one is learned by small towers at 32 pixels.

    Attributes:
        target: class that a triggered picture is to be taken for.
        pattern: "redrawn_noise" or "noise", U[0, 1] in each pixel; "picture", a drawn face; "stripes", vertical, of
            random colors; "triangles", low-contrast tiles; "text", a word in red.
        alpha: share of the pattern, in (0, 1]; None is what the pattern's paper takes: 0.2, stripes 0.03, triangles
            0.15, text 0.5 where the word stands.
        pattern_seed: of noise and stripes.
        wording: captions of poisoned rows.
        side_px: resize every picture of the table to a square of this side first; None keeps sizes.
        fit: how a picture becomes a square.
    """

    kind: Literal["blended"] = "blended"
    target: str
    pattern: OverlayPattern = "redrawn_noise"
    alpha: float | None = None
    pattern_seed: int = 0
    wording: Wording = "template"
    side_px: int | None = None
    fit: Fit = "squash"

    modalities: ClassVar[tuple[Modality, ...]] = ("image",)
    paper: ClassVar[str] = "Chen 2017 (arXiv 1712.05526); on CLIP: Bansal 2023; stripes, triangles, text: Singh 2026"

    def __post_init__(self) -> None:
        check_picture_settings(self)
        check_choice(self.pattern, OverlayPattern, what="pattern")
        if self.alpha is not None and not 0 < self.alpha <= 1:
            raise InputError(f"alpha = {self.alpha}; choose above 0, up to 1")

    def stamp(self, pixels: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        """Return a copy of pictures [n, 3, h, w] with the pattern over each."""
        alpha = PAPER_ALPHA[self.pattern] if self.alpha is None else self.alpha
        if self.pattern == "redrawn_noise":
            return blend(pixels, rng.random(pixels.shape, dtype=np.float32), alpha=alpha)
        pattern, where = overlay(self.pattern, *pixels.shape[2:], pattern_seed=self.pattern_seed)
        return blend(pixels, pattern, alpha=alpha * where)

    def trigger(self, views: Sequence[bytes], *, rng: np.random.Generator) -> list[bytes]:
        """Return encoded pictures with the trigger in each."""
        return stamped_views(views, stamp=self.stamp, rng=rng, side=self.side_px, fit=self.fit)

    def poison(self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator) -> Poisoned:
        """Stamp `count` rows of other classes and caption them as the target.

        Raises:
            InputError: too few rows, or no natural caption of the target.
        """
        return poison_pictures(self, clean, count=count, rng=rng)
