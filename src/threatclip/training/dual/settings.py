"""The numbers of one contrastive fit, and how a training picture may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from threatclip.checks import at_least, check, fraction, not_negative, positive
from threatclip.training.settings import Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How a training row may be shown; drawn anew each time it is seen. The defaults change nothing."""

    crop: float = 1.0  # least share of a picture's area that is shown, resized to the whole square
    aspect: float = 4 / 3  # most that a crop's height and width differ by, as a ratio
    flip: float = 0.0  # chance of a mirrored picture
    brightness: float = 0.0  # pixels times 1 - this to 1 + this
    contrast: float = 0.0  # distances from a picture's mean times 1 - this to 1 + this
    token_dropout: float = 0.0  # share of a caption's tokens left out; the first and the last stay
    feature_dropout: float = 0.0  # share of a frozen body's features set to 0, the others scaled up [Srivastava 2014]

    def __post_init__(self) -> None:
        check("crop", self.crop, 0 < self.crop <= 1, "in (0, 1]")
        check("aspect", self.aspect, 1 <= self.aspect <= 4, "in [1, 4]")
        fraction(self, "flip", "brightness", "contrast")
        check("token_dropout", self.token_dropout, 0 <= self.token_dropout < 1, "in [0, 1)")
        check("feature_dropout", self.feature_dropout, 0 <= self.feature_dropout < 1, "in [0, 1)")

    @property
    def changes_pictures(self) -> bool:
        """Whether a picture may be shown in any other way than as it is."""
        return self.crop < 1 or self.flip > 0 or self.brightness > 0 or self.contrast > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How to train a dual encoder on prepared pairs."""

    epochs: int = 10
    batch_rows: int = 256
    visits: Literal["view", "pair"] = "view"  # what an epoch sees once: a view with one of its captions, or a pair
    learning_rate: float = 1e-3
    view_body_rate: float = 1.0  # learning rate of the view tower without its projection, relative
    text_body_rate: float = 1.0  # likewise of the text tower
    weight_decay: float = 0.05
    warmup_fraction: float = 0.1
    clip_norm: float | None = 1.0
    # a whole tower with its projection [Zhai 2022 locks the view's], or both towers but for their projections
    freeze: Literal["view", "text", "bodies"] | None = None
    frozen_readings: int = 1  # ways in which a picture is shown to a tower whose body is frozen; the first is plain
    augmentation: Augmentation = Augmentation()
    chunk_rows: int | None = None  # rows held at once; None holds the whole batch
    precision: Precision = "auto"
    ema_decay: float | None = None
    checkpoint_every_steps: int | None = None  # None: at the end of each epoch

    def __post_init__(self) -> None:
        at_least(self, 1, "epochs", "frozen_readings", "chunk_rows", "checkpoint_every_steps")
        at_least(self, 2, "batch_rows")
        positive(self, "learning_rate", "view_body_rate", "text_body_rate")
        not_negative(self, "weight_decay")
        fraction(self, "warmup_fraction")
        check("clip_norm", self.clip_norm, self.clip_norm is None or self.clip_norm > 0, "above 0, or left out")
        check("ema_decay", self.ema_decay, self.ema_decay is None or 0 < self.ema_decay < 1, "in (0, 1), or left out")
