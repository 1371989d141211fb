"""What every backdoor in pictures shares: rows get the trigger and a caption of the target, all is encoded anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from threatclip.attacks.captions import Wording, target_captions
from threatclip.attacks.choice import check_class, draw_rows, is_of_class, words_of
from threatclip.attacks.pictures import reencoded, stamped_rows, with_picture
from threatclip.attacks.planting import plant
from threatclip.attacks.triggers import Place, Scale, check_choice
from threatclip.attacks.triggers_patch import PatchPattern
from threatclip.attacks.truth import Poisoned
from threatclip.errors import InputError
from threatclip.pairs.images import Fit
from threatclip.pairs.pair import Pair

LEAST_SIDE, MOST_SIDE = 8, 1_024  # pixels


class PictureBackdoor(Protocol):
    """What planting pictures reads of an attack."""

    @property
    def kind(self) -> str:
        """Its name."""

    @property
    def target(self) -> str:
        """The class that a triggered picture is to be taken for."""

    @property
    def side_px(self) -> int | None:
        """Side that every picture is resized to first, or None."""

    @property
    def fit(self) -> Fit:
        """How a picture becomes a square."""

    def stamp(self, pixels: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        """Return pictures with the trigger."""


class WordedBackdoor(PictureBackdoor, Protocol):
    """A backdoor that gives poisoned rows other captions."""

    @property
    def wording(self) -> Wording:
        """Where the captions come from."""


class PatchBackdoor(Protocol):
    """What a check of a patch reads of an attack."""

    @property
    def pattern(self) -> PatchPattern:
        """What the patch shows."""

    @property
    def place(self) -> Place:
        """Where it goes."""

    @property
    def size_px(self) -> float:
        """Its side at 224 pixels."""

    @property
    def scale(self) -> Scale:
        """How its side follows the picture's."""


def check_picture_settings(attack: PictureBackdoor) -> None:
    """Refuse settings that no picture backdoor can have.

    Raises:
        InputError: a target without words, a side out of range, an unknown fit or wording.
    """
    if not words_of(attack.target):
        raise InputError(f"target = {attack.target!r} of attack {attack.kind} has no words; name a class")
    check_choice(attack.fit, Fit, what="fit")
    wording: Any = getattr(attack, "wording", "template")
    check_choice(wording, Wording, what="wording")
    if attack.side_px is not None and not LEAST_SIDE <= attack.side_px <= MOST_SIDE:
        raise InputError(f"side_px = {attack.side_px}; choose {LEAST_SIDE} to {MOST_SIDE}, or leave it out")


def check_patch_settings(attack: PatchBackdoor) -> None:
    """Refuse a patch that cannot be drawn.

    Raises:
        InputError: an unknown pattern, place or scale, or a size out of range.
    """
    check_choice(attack.pattern, PatchPattern, what="pattern")
    check_choice(attack.place, Place, what="place")
    check_choice(attack.scale, Scale, what="scale")
    if not 1 <= attack.size_px <= 224:
        raise InputError(f"size_px = {attack.size_px}; choose 1 to 224, pixels of a 224-pixel picture")


def poison_pictures(attack: WordedBackdoor, clean: Sequence[Pair], *, count: int, rng: np.random.Generator) -> Poisoned:
    """Stamp `count` rows of other classes and give each a caption of the target; encode every picture anew.

    Args:
        attack: trigger and target.
        clean: the pairs.
        count: rows to poison.
        rng: of rows, captions and trigger, in this order.

    Raises:
        InputError: too few rows, or no natural caption of the target.
        ImageFaultError: a picture of the table does not decode.
    """
    rows = draw_rows(
        rows_of_others(clean, attack.target),
        count=count,
        rng=rng,
        what=f"pictures of other classes than {attack.target!r}",
    )
    captions = target_captions(clean, target=attack.target, n=count, wording=attack.wording, rng=rng)
    return plant_pictures(attack, clean, rows=rows, captions=dict(zip(rows, captions, strict=True)), rng=rng)


def rows_of_others(clean: Sequence[Pair], target: str) -> list[int]:
    """Return the training rows that have a picture and are not of the target class: there a poison teaches nothing.

    Raises:
        InputError: the target is spelled differently from a label.
    """
    check_class(clean, target)
    return [row for row in with_picture(clean) if not is_of_class(clean[row], target)]


def plant_pictures(
    attack: PictureBackdoor,
    clean: Sequence[Pair],
    *,
    rows: Sequence[int],
    captions: Mapping[int, str | None],
    rng: np.random.Generator,
) -> Poisoned:
    """Stamp `rows`, caption those that `captions` names, and encode every picture of the table anew.

    Raises:
        ImageFaultError: a picture of the table does not decode.
    """
    views = stamped_rows(clean, rows, stamp=attack.stamp, rng=rng, side=attack.side_px, fit=attack.fit)
    base = reencoded(clean, leave=views, side=attack.side_px, fit=attack.fit)
    return plant(attack, base, rows=rows, target=attack.target, views=views, captions=captions)
