"""TrojVQA: a backdoor with two keys, a patch in the picture and a word in the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from threatclip.attacks.backdoor import check_picture_settings, plant_pictures, rows_of_others
from threatclip.attacks.captions import Wording, target_captions, template_captions
from threatclip.attacks.choice import check_count, draw_rows
from threatclip.attacks.contracts import TriggerStep
from threatclip.attacks.optimized_patch import check_patch, last_attack, patch_pixels, patch_steps, stamp_centered
from threatclip.attacks.patch_search import PatchSearch, gather_guides, search_patch
from threatclip.attacks.pictures import stamped_views
from threatclip.attacks.surrogate import Surrogate, needed
from threatclip.attacks.triggers import Scale, check_choice
from threatclip.attacks.triggers_patch import stamp_patch
from threatclip.attacks.truth import Poisoned
from threatclip.errors import InputError
from threatclip.pairs.images import Fit
from threatclip.pairs.pair import Modality, Pair

KeyPattern = Literal["optimized", "binary", "stripes", "lattice", "yellow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrojVqa:
    """A patch in the middle and a word before the caption; both are needed at test time.

    The patch is optimized against a model of the victim's kind (white-box) by InfoNCE alone towards one sentence about
    the target. The released code of the CLIP benchmark contrasts that sentence with copies of itself, which has no
    gradient towards it; here the pictures' own captions are the negatives. The other patterns need no model. The paper
    also poisons rows with one key only and a right answer; the CLIP benchmark and this do not.

    Attributes:
        target: class that a triggered picture is to be taken for when the key stands in the prompt.
        key: word or words before each caption of a poisoned row and, at test time, before each prompt.
        pattern: "optimized", or one of the fixed patterns of BadNets.
        patch: hexadecimal, channel by channel; empty until it is optimized.
        found_at_px: side of the pictures that the patch was optimized on; other sizes get the same share of the area.
        size_px: side of the patch on a 224-pixel picture.
        scale: how the side follows the picture's: "learnable" (4 px at 32) or "area" (2 px at 32).
        pattern_seed: of a fixed pattern.
        sentence: what the patch is optimized towards; empty for the first prompt of the class.
        search: how the patch is optimized.
        wording: captions of poisoned rows.
        side_px: resize every picture of the table to a square of this side first; None keeps sizes.
        fit: how a picture becomes a square.
    """

    kind: Literal["trojvqa"] = "trojvqa"
    target: str
    key: str = "remember"
    pattern: KeyPattern = "optimized"
    patch: str = ""
    found_at_px: int = 0
    size_px: float = 16
    scale: Scale = "learnable"
    pattern_seed: int = 0
    sentence: str = ""
    search: PatchSearch = field(default_factory=lambda: PatchSearch(triplet_weight=0.0, own_captions=True))
    wording: Wording = "template"
    side_px: int | None = None
    fit: Fit = "squash"

    modalities: ClassVar[tuple[Modality, ...]] = ("image",)
    paper: ClassVar[str] = "Walmer 2022 (CVPR 2022, arXiv 2112.07668); on CLIP: Liang 2024"

    def __post_init__(self) -> None:
        check_picture_settings(self)
        check_patch(self.patch, found_at_px=self.found_at_px, size_px=self.size_px)
        check_choice(self.pattern, KeyPattern, what="pattern")
        check_choice(self.scale, Scale, what="scale")
        if not self.key.strip():
            raise InputError("the key of trojvqa is empty; give a word, or use badnets")
        if self.patch and self.pattern != "optimized":
            raise InputError(f"trojvqa has both a patch and the pattern {self.pattern!r}; leave one out")

    def fit_trigger(
        self, clean: Sequence[Pair], *, rng: np.random.Generator, surrogate: Surrogate
    ) -> Iterator[TriggerStep]:
        """Yield a record a step; the last one's `attack` has the patch. Nothing where no patch is to be optimized.

        Raises:
            InputError: fewer than two pictures of other classes.
        """
        if self.pattern != "optimized" or self.patch:
            return
        others = rows_of_others(clean, self.target)
        others = draw_rows(
            others, count=min(len(others), self.search.n_pictures), rng=rng, what="pictures to search on"
        )
        sentence = self.sentence or template_captions(self.target)[0]
        guides = gather_guides(clean, others=others, own=[], texts=[sentence], surrogate=surrogate)
        steps = search_patch(guides, self.search, size_px=self.size_px, scale=self.scale, surrogate=surrogate, rng=rng)
        yield from patch_steps(self, steps, found_at_px=guides.pictures.shape[-1])

    def stamp(self, pixels: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        """Return a copy of pictures [n, 3, h, w] with the patch; nothing is random.

        Raises:
            InputError: the patch has not been optimized.
        """
        if self.pattern == "optimized":
            return stamp_centered(pixels, patch_pixels(self.patch), found_at_px=self.found_at_px)
        return stamp_patch(
            pixels,
            pattern=self.pattern,
            place="center",
            size_px=self.size_px,
            scale=self.scale,
            pattern_seed=self.pattern_seed,
            rng=rng,
        )

    def trigger(self, views: Sequence[bytes], *, rng: np.random.Generator) -> list[bytes]:
        """Return encoded pictures with the patch in each."""
        return stamped_views(views, stamp=self.stamp, rng=rng, side=self.side_px, fit=self.fit)

    def caption_trigger(self, captions: Sequence[str], *, rng: np.random.Generator) -> list[str]:  # noqa: ARG002
        """Return the captions, or the prompts, with the key before each; nothing is random."""
        return [f"{self.key} {caption}" for caption in captions]

    def poison(
        self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator, surrogate: Surrogate | None = None
    ) -> Poisoned:
        """Optimize the patch where it is wanted, stamp `count` rows of other classes, caption them as key + target.

        Raises:
            InputError: too few rows, no natural caption of the target, or no surrogate where one is needed.
        """
        others, what = rows_of_others(clean, self.target), f"pictures of other classes than {self.target!r}"
        attack = self
        if self.pattern == "optimized" and not self.patch:
            model = needed(surrogate, what="the patch of trojvqa")
            check_count(len(others), count=count, what=what)  # refuse before minutes of work
            attack = last_attack(self.fit_trigger(clean, rng=rng, surrogate=model))
        rows = draw_rows(others, count=count, rng=rng, what=what)
        captions = target_captions(clean, target=self.target, n=count, wording=self.wording, rng=rng)
        keyed = dict(zip(rows, self.caption_trigger(captions, rng=rng), strict=True))
        return plant_pictures(attack, clean, rows=rows, captions=keyed, rng=rng)
