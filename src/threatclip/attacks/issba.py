"""ISSBA-like: a faint residual that is different on every picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from threatclip.attacks.backdoor import check_picture_settings, poison_pictures
from threatclip.attacks.captions import Wording
from threatclip.attacks.pictures import stamped_views
from threatclip.attacks.triggers_residual import add_residual, carrier_of
from threatclip.attacks.truth import Poisoned
from threatclip.errors import InputError
from threatclip.pairs.images import Fit
from threatclip.pairs.pair import Modality, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Issba:
    """A faint residual, different on every picture, that carries one secret.

    What differs from the paper: there, a trained steganographic network (StegaStamp) hides the secret with 56 bits and
    an error-correcting code, and a decoder reads it back; no weights of it are public in a format that is safe to load.
    Here the secret turns fixed waves over, and each picture's own texture modulates them: no network, no code of
    errors, no decoder, and a residual that a linear filter could find. Compare figures with the paper's with care.

    Attributes:
        target: class that a triggered picture is to be taken for.
        secret: the string that is hidden, up to 64 bytes.
        rms: root mean square of the residual, in [0, 1]; 8/255 is a peak signal-to-noise ratio of 30 dB.
        pattern_seed: of the waves.
        wording: captions of poisoned rows.
        side_px: resize every picture of the table to a square of this side first; None keeps sizes.
        fit: how a picture becomes a square.
    """

    kind: Literal["issba"] = "issba"
    target: str
    secret: str = "Stega!!"  # noqa: S105 (of the paper; it protects nothing)
    rms: float = 8 / 255
    pattern_seed: int = 0
    wording: Wording = "template"
    side_px: int | None = None
    fit: Fit = "squash"

    modalities: ClassVar[tuple[Modality, ...]] = ("image",)
    paper: ClassVar[str] = "after Li 2021 (arXiv 2012.03816), without its network; on CLIP: Liang 2024"

    def __post_init__(self) -> None:
        check_picture_settings(self)
        if not 0 < self.rms <= 1 or not 1 <= len(self.secret.encode()) <= 64:
            raise InputError(f"rms = {self.rms}, secret of {len(self.secret)}; choose (0, 1] and 1 to 64 bytes")

    def stamp(self, pixels: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG002
        """Return a copy of pictures [n, 3, h, w] with the residual; nothing is random."""
        carrier = carrier_of(self.secret, *pixels.shape[2:], pattern_seed=self.pattern_seed)
        return add_residual(pixels, carrier, rms=self.rms)

    def trigger(self, views: Sequence[bytes], *, rng: np.random.Generator) -> list[bytes]:
        """Return encoded pictures with the trigger in each."""
        return stamped_views(views, stamp=self.stamp, rng=rng, side=self.side_px, fit=self.fit)

    def poison(self, clean: Sequence[Pair], *, count: int, rng: np.random.Generator) -> Poisoned:
        """Put the residual on `count` rows of other classes and caption them as the target.

        Raises:
            InputError: too few rows, or no natural caption of the target.
        """
        return poison_pictures(self, clean, count=count, rng=rng)
