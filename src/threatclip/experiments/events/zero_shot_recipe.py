"""The recipe of zero-shot events: a space learned from captions, adapted to posts, and a catalogue of prompts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from threatclip.checks import check, fraction
from threatclip.encoders.image_pretrained import PretrainedImageTower
from threatclip.encoders.pretrained import PretrainedTower
from threatclip.encoders.towers import TowerConfig, view_modality
from threatclip.experiments.contrastive.recipe import Contrastive, Stage, Table
from threatclip.experiments.contrastive.recipe import Data as ContrastiveData
from threatclip.experiments.events.recipe import Data
from threatclip.experiments.events.zero_shot import Joined
from threatclip.training.dual.settings import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class General:
    """Where the space comes from: pictures with captions that tell of no event in particular."""

    tables: tuple[Table, ...]
    fit: Fit = field(default_factory=Fit)

    def __post_init__(self) -> None:
        check("tables", self.tables, bool(self.tables), "one table or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapt:
    """CLIP's own task on posts, without their labels; in judgments on the posts of the other folds alone."""

    fit: Fit = field(default_factory=Fit)
    interpolate: float = 0.7  # share of what was tuned, the rest is the model before [Wortsman 2022]

    def __post_init__(self) -> None:
        fraction(self, "interpolate")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsZeroShot:
    """Which event does this post tell of, without a labeled post: prompts for pictures, prompts for words."""

    task: Literal["event-zero-shot"]
    data: Data
    general: General
    adapt: Adapt = field(default_factory=Adapt)
    seed: int = 0
    view_tower: TowerConfig = field(
        default_factory=lambda: PretrainedImageTower(
            source="weights/mobilenet_v2_imagenet_hf", side=224, projection="linear", dim=512
        )
    )
    text_tower: TowerConfig = field(default_factory=lambda: PretrainedTower(projection="mlp", dim=512))
    temperature: float = 0.07  # at the start
    joined: Joined = "product"  # how the halves' answers become one
    catalogue: str | None = None  # TOML file of names and prompts of the classes; None: the built-in one

    @property
    def space(self) -> Contrastive:
        """The contrastive experiment that the space comes from."""
        return Contrastive(
            task="contrastive",
            stages=(Stage(name="general", tables=self.general.tables, fit=self.general.fit),),
            view_tower=self.view_tower,
            text_tower=self.text_tower,
            data=ContrastiveData(root=self.data.root),
            seed=self.seed,
            temperature=self.temperature,
        )

    def __post_init__(self) -> None:
        check("view_tower", self.view_tower.kind, view_modality(self.view_tower) == "image", "one that reads pictures")
        check("text_tower", self.text_tower.kind, view_modality(self.text_tower) == "text", "one that reads texts")
        check("temperature", self.temperature, 0.01 <= self.temperature <= 1, "in [0.01, 1]")
