"""The recipe of a technique labeler: which sentences, which space, how members are fitted and joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from threatclip.checks import at_least, check, distinct, fraction, not_negative, positive
from threatclip.encoders.pretrained import PretrainedTower
from threatclip.encoders.towers import TowerConfig, view_modality
from threatclip.experiments.recipe import File
from threatclip.training.dual.settings import Augmentation, Fit

Member = Literal["words", "characters", "neighbors", "descriptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """Labeled sentences beside ATT&CK's own, as an analyst annotates them; a pair's group is its report."""

    name: str
    file: File
    weight: float = 1.0  # of one sentence, against 1 for a procedure of ATT&CK

    def __post_init__(self) -> None:
        check("name", self.name, bool(self.name.strip()), "a name")
        positive(self, "weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What is learned from, and what is kept for judging."""

    attack: str = "attack/enterprise-attack-to-2024.json.gz"  # STIX bundle: techniques, and procedures, names masked
    root: str | None = None  # folder that every path here starts from; None: THREATCLIP_DATA, else ../shared/data
    sentences: tuple[Sentences, ...] = ()
    validation_from: int = 2023  # first year of the procedures that members are weighed and calibrated on
    test_from: int = 2024  # first year of those that are judged on and never learned
    validation_reports: float = 0.15  # share of the reports of `sentences`, likewise
    test_reports: float = 0.2
    n_sentences: int = 8  # of a technique's description

    def __post_init__(self) -> None:
        distinct("the name of sentences", tuple(one.name for one in self.sentences))
        later = self.test_from > self.validation_from
        check("test_from", self.test_from, later, f"after validation_from = {self.validation_from}")
        fraction(self, "validation_reports", "test_reports")
        both = self.validation_reports + self.test_reports
        check("test_reports", self.test_reports, both < 1, "small enough to leave reports to learn from")
        at_least(self, 1, "n_sentences")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSettings:
    """One space of sentences and descriptions: a text tower, tuned by contrast with a sense of families."""

    tower: TowerConfig = field(default_factory=lambda: PretrainedTower(max_tokens=128, projection="mlp", dim=384))
    fit: Fit | None = field(  # None: the tower as it is
        default_factory=lambda: Fit(
            epochs=15, batch_rows=512, learning_rate=1e-3, augmentation=Augmentation(feature_dropout=0.1)
        )
    )
    temperature: float = 0.05
    kin: float = 0.3  # what a parent or sibling counts as a negative
    among: float = 1.0  # of the contrast between sentences, against 1 for that with descriptions

    def __post_init__(self) -> None:
        check("tower", self.tower.kind, view_modality(self.tower) == "text", "a tower that reads texts")
        check("temperature", self.temperature, 0.01 <= self.temperature <= 1, "in [0.01, 1]")
        check("kin", self.kin, 0 < self.kin <= 1, "in (0, 1]")
        not_negative(self, "among")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How members answer, how they are joined, and when the model does not know."""

    members: tuple[Member, ...] = ("words", "neighbors", "descriptions")
    word_c: float = 1.0  # inverse penalty of the linear SVM on words
    character_c: float = 0.5  # on characters: minutes for all techniques, seconds for fifty
    description_weight: float = 1.0  # of a sentence of a description as a training row; 0: descriptions are not learned
    vote_temperature: float = 0.05  # a known sentence votes with exp(cosine / this)
    pull: float = 0.01  # of the members' weights towards equal ones, in nats
    precision: float = 0.8  # that answers must have on validation; below it the parent is named, or nothing
    shown: int = 20  # techniques of an answer

    def __post_init__(self) -> None:
        check("members", self.members, bool(self.members), "one or more")
        distinct("a member", self.members)
        positive(self, "word_c", "character_c", "vote_temperature")
        not_negative(self, "description_weight", "pull")
        fraction(self, "precision")
        at_least(self, 1, "shown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """Which technique does this sentence tell of: every technique of ATT&CK, its parent, or "don't know"."""

    task: Literal["attack-technique"]
    data: Data = Data()
    seed: int = 0
    space: SpaceSettings = field(default_factory=SpaceSettings)
    answer: Answer = Answer()
