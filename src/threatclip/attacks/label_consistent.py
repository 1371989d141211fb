"""Label-consistent: the patch goes where the caption is right already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from threatclip.attacks.backdoor import check_patch_settings, check_picture_settings, plant_pictures
from threatclip.attacks.choice import check_class, draw_rows, is_of_class
from threatclip.attacks.pictures import stamped_views, with_picture
from threatclip.attacks.triggers import Place, Scale
from threatclip.attacks.triggers_patch import PatchPattern, stamp_patch
from threatclip.attacks.truth import Poisoned
from threatclip.pairs.images import Fit
from threatclip.pairs.pair import Modality, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelConsistent:
    """The patch of BadNets on pictures of the target itself, whose captions stay.

    As in the CLIP benchmark, without the adversarial perturbations by which the first paper makes such pictures hard
    to learn; its success is hard to reproduce on CLIP (below 10% in public reports).

    Attributes:
        target: class that a triggered picture is to be taken for.
        pattern: "redrawn_noise", the picture's mean color + N(0, 1), drawn anew for each; "noise", one noise for all;
            "binary", 0 or 1 in each pixel and channel; "stripes", vertical, of random saturated colors; "lattice",
            white dots on black; "yellow".
        place: "random", "corner" (lower right), "center" or "four_corners".
        size_px: side of the patch on a 224-pixel picture.
        scale: how the side follows the picture's: "learnable" (4 px at 32) or "area" (2 px at 32).
        pattern_seed: of a pattern that is not redrawn.
        side_px: resize every picture of the table to a square of this side first; None keeps sizes.
        fit: how a picture becomes a square.
    """

    kind: Literal["label_consistent"] = "label_consistent"
    target: str
    pattern: PatchPattern = "redrawn_noise"
    place: Place = "random"
    size_px: float = 16
    scale: Scale = "learnable"
    pattern_seed: int = 0
    side_px: int | None = None
    fit: Fit = "squash"

    modalities: ClassVar[tuple[Modality, ...]] = ("image",)
    paper: ClassVar[str] = "after Turner 2019 (arXiv 1912.02771); on CLIP: Bansal 2023"

    def __post_init__(self) -> None:
        check_picture_settings(self)
        check_patch_settings(self)

    def stamp(self, pixels: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        """Return a copy of pictures [n, 3, h, w] with the patch."""
        return stamp_patch(
            pixels,
            pattern=self.pattern,
            place=self.place,
            size_px=self.size_px,
            scale=self.scale,
            pattern_seed=self.pattern_seed,
            rng=rng,
        )

    def trigger(self, views: Sequence[bytes], *, rng: np.random.Generator) -> list[bytes]:
        """Return encoded pictures with the trigger in each."""
        return stamped_views(views, stamp=self.stamp, rng=rng, side=self.side_px, fit=self.fit)

    def poison(self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator) -> Poisoned:
        """Stamp `count` captioned rows of the target class; captions stay.

        Raises:
            InputError: too few rows.
        """
        check_class(clean, self.target)
        own = [row for row in with_picture(clean) if clean[row].caption and is_of_class(clean[row], self.target)]
        rows = draw_rows(own, count=count, rng=rng, what=f"captioned pictures of class {self.target!r}")
        return plant_pictures(self, clean, rows=rows, captions={}, rng=rng)
