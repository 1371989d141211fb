"""BadCLIP: a patch that a clean model already takes for the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from threatclip.attacks.backdoor import check_picture_settings, plant_pictures, rows_of_others
from threatclip.attacks.captions import Wording, caption_pool, target_captions
from threatclip.attacks.choice import check_count, draw_rows, is_of_class
from threatclip.attacks.contracts import TriggerStep
from threatclip.attacks.optimized_patch import check_patch, last_attack, patch_pixels, patch_steps, stamp_centered
from threatclip.attacks.patch_search import PatchSearch, gather_guides, search_patch
from threatclip.attacks.pictures import stamped_views, with_picture
from threatclip.attacks.selection import Selection, select_rows
from threatclip.attacks.surrogate import Surrogate, needed
from threatclip.attacks.triggers import Scale, check_choice
from threatclip.attacks.truth import Poisoned
from threatclip.errors import InputError
from threatclip.pairs.images import Fit
from threatclip.pairs.pair import Modality, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class BadClip:
    """A patch in the middle, optimized so that a clean model takes it for the target, with natural captions.

    White-box: it needs a model of the victim's kind to optimize the patch and, unless `selection` is "random", to
    choose rows. Left out of the paper: the views by AutoAugment that half of its steps see.

    Attributes:
        target: class that a triggered picture is to be taken for.
        patch: hexadecimal, channel by channel; empty until it is optimized.
        found_at_px: side of the pictures that the patch was optimized on; other sizes get the same share of the area.
        size_px: side of the patch on a 224-pixel picture.
        scale: how the side follows the model's: "learnable" (4 px at 32) or "area" (2 px at 32).
        search: how the patch is optimized.
        selection: which rows are poisoned: "random", "boundary", "furthest", "nearest" or "mixed".
        wording: captions of poisoned rows, "natural" ones of the target in the paper.
        n_captions: natural captions are drawn from at most so many.
        side_px: resize every picture of the table to a square of this side first; None keeps sizes.
        fit: how a picture becomes a square.
    """

    kind: Literal["badclip"] = "badclip"
    target: str
    patch: str = ""
    found_at_px: int = 0
    size_px: float = 16
    scale: Scale = "learnable"
    search: PatchSearch = field(default_factory=PatchSearch)
    selection: Selection = "mixed"
    wording: Wording = "natural"
    n_captions: int = 128
    side_px: int | None = None
    fit: Fit = "squash"

    modalities: ClassVar[tuple[Modality, ...]] = ("image",)
    paper: ClassVar[str] = "Liang 2024 (BadCLIP, CVPR 2024, arXiv 2311.12075)"

    def __post_init__(self) -> None:
        check_picture_settings(self)
        check_patch(self.patch, found_at_px=self.found_at_px, size_px=self.size_px)
        check_choice(self.scale, Scale, what="scale")
        check_choice(self.selection, Selection, what="selection")
        if self.n_captions < 1:
            raise InputError(f"n_captions = {self.n_captions}; choose at least 1")

    def fit_trigger(
        self, clean: Sequence[Pair], *, rng: np.random.Generator, surrogate: Surrogate
    ) -> Iterator[TriggerStep]:
        """Yield a record a step; the last one's `attack` has the patch. Nothing where there is a patch already.

        Raises:
            InputError: fewer than two pictures of other classes, or no captioned picture of the target.
        """
        if self.patch:
            return
        others = rows_of_others(clean, self.target)
        others = draw_rows(
            others, count=min(len(others), self.search.n_pictures), rng=rng, what="pictures to search on"
        )
        own = [row for row in with_picture(clean) if is_of_class(clean[row], self.target)]
        texts = caption_pool(clean, target=self.target, wording="natural", pool=len(clean), rng=rng)
        guides = gather_guides(clean, others=others, own=own, texts=texts, surrogate=surrogate)
        steps = search_patch(guides, self.search, size_px=self.size_px, scale=self.scale, surrogate=surrogate, rng=rng)
        yield from patch_steps(self, steps, found_at_px=guides.pictures.shape[-1])

    def stamp(self, pixels: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG002
        """Return a copy of pictures [n, 3, h, w] with the patch; nothing is random.

        Raises:
            InputError: the patch has not been optimized.
        """
        return stamp_centered(pixels, patch_pixels(self.patch), found_at_px=self.found_at_px)

    def trigger(self, views: Sequence[bytes], *, rng: np.random.Generator) -> list[bytes]:
        """Return encoded pictures with the trigger in each."""
        return stamped_views(views, stamp=self.stamp, rng=rng, side=self.side_px, fit=self.fit)

    def poison(
        self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator, surrogate: Surrogate | None = None
    ) -> Poisoned:
        """Optimize the patch where there is none, choose `count` rows of other classes, stamp and caption them.

        Raises:
            InputError: too few rows, no natural caption of the target, or no surrogate where one is needed.
        """
        others, what = rows_of_others(clean, self.target), f"pictures of other classes than {self.target!r}"
        attack = self
        if not self.patch:
            model = needed(surrogate, what="the patch of badclip")
            check_count(len(others), count=count, what=what)  # refuse before minutes of work
            attack = last_attack(self.fit_trigger(clean, rng=rng, surrogate=model))
        if self.selection == "random":
            rows = draw_rows(others, count=count, rng=rng, what=what)
        else:
            rows = select_rows(
                clean,
                others,
                count=count,
                selection=self.selection,
                texts=caption_pool(clean, target=self.target, wording=self.wording, pool=self.n_captions, rng=rng),
                surrogate=needed(surrogate, what=f"selection {self.selection!r} of badclip"),
                rng=rng,
                what=what,
            )
        captions = target_captions(
            clean, target=self.target, n=count, wording=self.wording, pool=self.n_captions, rng=rng
        )
        return plant_pictures(attack, clean, rows=rows, captions=dict(zip(rows, captions, strict=True)), rng=rng)
