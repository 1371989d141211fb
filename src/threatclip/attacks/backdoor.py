"""What every backdoor in pictures shares: rows of other classes get the trigger and a caption of the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from threatclip.attacks.captions import Wording, target_captions
from threatclip.attacks.choice import draw_rows, is_of_class
from threatclip.attacks.pictures import reencoded, stamped_rows, with_picture
from threatclip.attacks.planting import plant
from threatclip.attacks.triggers import check_choice
from threatclip.attacks.truth import Poisoned
from threatclip.errors import InputError
from threatclip.pairs.images import Fit
from threatclip.pairs.pair import Pair

LEAST_SIDE, MOST_SIDE = 8, 1_024  # pixels


class PictureBackdoor(Protocol):
    """What `poison_pictures` reads of an attack."""

    @property
    def kind(self) -> str:
        """Its name."""

    @property
    def target(self) -> str:
        """The class that a triggered picture is to be taken for."""

    @property
    def wording(self) -> Wording:
        """Captions of poisoned rows."""

    @property
    def side_px(self) -> int | None:
        """Side that every picture is resized to first, or None."""

    @property
    def fit(self) -> Fit:
        """How a picture becomes a square."""

    def stamp(self, pixels: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        """Return pictures with the trigger."""


def check_picture_settings(attack: PictureBackdoor) -> None:
    """Refuse settings that no picture backdoor can have.

    Raises:
        InputError: an empty target, a side out of range, an unknown wording or fit.
    """
    if not attack.target.strip():
        raise InputError(f"attack {attack.kind} has an empty target; name a class")
    check_choice(attack.wording, Wording, what="wording")
    check_choice(attack.fit, Fit, what="fit")
    if attack.side_px is not None and not LEAST_SIDE <= attack.side_px <= MOST_SIDE:
        raise InputError(f"side_px = {attack.side_px}; choose {LEAST_SIDE} to {MOST_SIDE}, or leave it out")


def poison_pictures(
    attack: PictureBackdoor,
    clean: Sequence[Pair],
    *,
    count: int,
    rng: np.random.Generator,
    rows: Sequence[int] | None = None,
    worded: Callable[[Sequence[str]], list[str]] | None = None,
    facts: Mapping[str, float] | None = None,
) -> Poisoned:
    """Stamp `count` rows of other classes and give each a caption of the target; encode every picture anew.

    Args:
        attack: trigger and target.
        clean: the pairs.
        count: rows to poison.
        rng: of rows, captions and trigger, in this order.
        rows: the rows, where the attack has chosen them itself.
        worded: what becomes of a caption, such as a key before it.
        facts: figures for the truth.

    Raises:
        InputError: too few rows, or no natural caption of the target.
        ImageFaultError: a picture of the table does not decode.
    """
    if rows is None:
        others = [row for row in with_picture(clean) if not is_of_class(clean[row], attack.target)]
        rows = draw_rows(others, count=count, rng=rng, what=f"pictures of other classes than {attack.target!r}")
    captions = target_captions(clean, target=attack.target, n=count, wording=attack.wording, rng=rng)
    captions = captions if worded is None else worded(captions)
    views = stamped_rows(clean, rows, stamp=attack.stamp, rng=rng, side=attack.side_px, fit=attack.fit)
    return plant(
        attack,
        reencoded(clean, side=attack.side_px, fit=attack.fit),
        rows=rows,
        target=attack.target,
        views=views,
        captions=dict(zip(rows, captions, strict=True)),
        facts=facts,
    )
