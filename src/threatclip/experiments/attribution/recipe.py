"""The recipe of one group model, and of the study that holds it against every baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from threatclip.checks import check, distinct
from threatclip.encoders.pretrained import PretrainedTower
from threatclip.encoders.towers import TowerConfig, view_modality
from threatclip.errors import RecipeError
from threatclip.experiments.attribution.fitting import ModelSettings
from threatclip.experiments.attribution.rows import BUNDLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """ATT&CK as a user has it."""

    bundle: str = BUNDLE  # a STIX bundle
    masked: str | None = None  # a table of its sentences masked beforehand, so that figures compare; None: masked here
    splits: str | None = None  # a file of held-out reports, for the seeds that it has
    root: str | None = None  # folder that every path here starts from; None: THREATCLIP_DATA, else ../shared/data


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Which group do these sentences tell of: sentences and profiles of groups, pooled over an incident."""

    task: Literal["attack-group"]
    data: Data = Data()
    seed: int = 0  # of the split H that the run is judged on, and of every random choice
    encoder: TowerConfig = field(default_factory=lambda: PretrainedTower(max_tokens=96, max_chars=2_048))
    precision: Literal["fp32", "bf16"] = "bf16"  # of the encoder, by name: what a clock chose would not repeat
    model: ModelSettings = field(default_factory=ModelSettings)

    def __post_init__(self) -> None:
        check("encoder", self.encoder.kind, view_modality(self.encoder) == "text", "a tower that reads texts")
        if not isinstance(self.encoder, PretrainedTower) or self.encoder.projection != "none":
            raise RecipeError("encoder: a pretrained tower without a projection; the model brings its own")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionStudy:
    """Splits H and K, every baseline, leak controls, and the model of `recipe`."""

    task: Literal["attack-group-study"]
    title: str
    recipe: str  # path of the model's recipe, from the study's own folder
    seeds: tuple[int, ...] = tuple(range(10))
    side_seeds: tuple[int, ...] = (0, 1, 2)  # of what only gives a background: slow baselines
    unseen_seeds: tuple[int, ...] = (0, 1, 2)  # of the test with groups held out whole
    document: str | None = None

    def __post_init__(self) -> None:
        check("seeds", self.seeds, bool(self.seeds), "one or more")
        for name in ("seeds", "side_seeds", "unseen_seeds"):
            distinct(name, getattr(self, name))
        for name in ("side_seeds", "unseen_seeds"):
            stranger = next((seed for seed in getattr(self, name) if seed not in self.seeds), None)
            check(name, stranger, stranger is None, "among the seeds")
